import { createImage } from '../../shared/api/create-image.ts'
import {
  getImage,
  getMemberServerImage,
  getServerImage,
  listImages,
} from '../../shared/api/images.ts'
import { getJob, listJobs, runJob } from '../../shared/api/jobs.ts'
import { getOperation, listOperations, resolveOperation } from '../../shared/api/operations.ts'
import { listSnapshots } from '../../shared/api/snapshots.ts'
import { images, oneImage, snapshots } from './images.ts'
import { jobs, oneJob } from './jobs.ts'
import { oneOperation, operations, startedOperation, startedOrChecked } from './operations.ts'
import { route } from './route.ts'

/** The routes that need an API key: for each its row, and how the result of the row is answered. */
export const ROUTES = [
  route(
    'GET',
    '/v1/member-server-images/:no',
    getMemberServerImage,
    oneImage(getMemberServerImage),
  ),
  route('GET', '/v1/server-images/:no', getServerImage, oneImage(getServerImage)),
  route('GET', '/v1/images/:no', getImage, oneImage(getImage)),
  route('GET', '/v1/images', listImages, images),
  route('GET', '/v1/snapshots', listSnapshots, snapshots),
  route('POST', '/v1/server-images', createImage, startedOrChecked),
  route('GET', '/v1/operations/:id', getOperation, oneOperation),
  route('GET', '/v1/operations', listOperations, operations),
  route('POST', '/v1/operations/:id/resolution', resolveOperation, oneOperation),
  route('GET', '/v1/jobs', listJobs, jobs),
  route('GET', '/v1/jobs/:name', getJob, oneJob),
  route('POST', '/v1/jobs/:name/runs', runJob, startedOperation),
]
