import { readImage, readMemberServerImage, readServerImage } from '../../shared/ncloud/reads.ts'
import {
  ImageAddress,
  ImagesQuery,
  imageBy,
  imagesByName,
  SnapshotsQuery,
  snapshotsBy,
} from './images.ts'
import { JobAddress, JobsQuery, jobByName, listJobs, RunBody, runJob } from './jobs.ts'
import {
  CreateBody,
  CreateQuery,
  createImage,
  listOperations,
  OperationAddress,
  OperationsQuery,
  operationById,
  ResolutionBody,
  resolveConflict,
} from './operations.ts'
import { getRoute, postRoute } from './route.ts'

/** The routes that need an API key: the scope they require, their schemas and their handler. */
export const ROUTES = [
  getRoute(
    '/v1/member-server-images/:no',
    'images:read',
    ImageAddress,
    imageBy(readMemberServerImage),
  ),
  getRoute('/v1/server-images/:no', 'images:read', ImageAddress, imageBy(readServerImage)),
  getRoute('/v1/images/:no', 'images:read', ImageAddress, imageBy(readImage)),
  getRoute('/v1/images', 'images:read', ImagesQuery, imagesByName),
  getRoute('/v1/snapshots', 'images:read', SnapshotsQuery, snapshotsBy),
  postRoute('/v1/server-images', 'images:create', CreateQuery, CreateBody, createImage),
  getRoute('/v1/operations/:id', 'images:read', OperationAddress, operationById),
  getRoute('/v1/operations', 'images:read', OperationsQuery, listOperations),
  postRoute(
    '/v1/operations/:id/resolution',
    'images:admin',
    OperationAddress,
    ResolutionBody,
    resolveConflict,
  ),
  getRoute('/v1/jobs', 'images:read', JobsQuery, listJobs),
  getRoute('/v1/jobs/:name', 'images:read', JobAddress, jobByName),
  postRoute('/v1/jobs/:name/runs', 'images:create', JobAddress, RunBody, runJob),
]
