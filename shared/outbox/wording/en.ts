import type { NameHolder } from '../../problem.ts'
import { MINUTE_MS } from '../../web/durations.ts'
import type { Wording } from './wording.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const status: Wording['status'] = {
  accepted: 'waiting to be sent',
  sending: 'being sent',
  unknown: 'not known yet',
  conflict: 'waiting for a decision',
  rejected: 'refused',
  not_applied: 'not created',
  pending: 'being created',
  ready: 'ready',
  failed: 'failed',
  busy: 'busy',
  deleting: 'being deleted',
  gone: 'deleted',
}

function time(at: number): string {
  const local = new Date(at + 9 * 60 * MINUTE_MS)
  const month = MONTHS[local.getUTCMonth()]
  return `${local.getUTCDate()} ${month} ${local.toISOString().slice(11, 16)} UTC+9`
}

function heldBy(holder: NameHolder | undefined): string {
  const { imageNo, operationId } = holder ?? {}
  const by = imageNo
    ? `image ${imageNo}`
    : operationId
      ? `request ${operationId}`
      : 'another request'
  const since = holder?.since ? ` since ${time(Date.parse(holder.since))}` : ''
  return holder ? `${by} (${status[holder.status]}${since})` : 'another image'
}

function nameTaken({ name, holder }: { name: string; holder: NameHolder | undefined }): string {
  return `The name ${name} is in use by ${heldBy(holder)}. Choose another name.`
}

/** The sentences in English. */
export const en: Wording = {
  time,
  duration(seconds) {
    const parts: [number, string][] = [
      [Math.floor(seconds / 3_600), 'h'],
      [Math.floor((seconds % 3_600) / 60), 'min'],
      [seconds % 60, 's'],
    ]
    const given = parts.filter(([amount]) => amount > 0).slice(0, 2)
    return given.map(([amount, unit]) => `${amount} ${unit}`).join(' ')
  },
  status,
  field: {
    image: 'Image',
    job: 'Job',
    duration: 'Took',
    size: 'Size',
    region: 'Region',
    lastReady: 'Last ready',
    operation: 'Request',
    created: 'Created',
  },
  title: {
    ready: ({ name }) => `${name} is ready`,
    failed: ({ name }) => `${name} failed`,
    gone: ({ name }) => `${name} was deleted`,
    unknown: ({ name }) => `It is not known yet whether ${name} was created`,
    stalled: ({ name }) => `${name} is not ready after 24 hours`,
    rejected: ({ name }) => `${name} was not created`,
    not_applied: ({ name }) => `${name} was not created`,
    conflict: ({ name }) => `${name} needs a decision`,
    overdue: ({ job, hours }) => `${job}: no image became ready for over ${hours} hours`,
  },
  advice: {
    failed:
      'NAVER Cloud could not create this image. Look at it in the console, delete it there, and create it again.',
    gone: 'This image no longer exists. Create it again if you need it.',
    unknown:
      'NAVER Cloud has given no clear answer for an hour. Look for the image in the console, but do not repeat the request: the relay keeps looking.',
    stalled: 'Look at this image in the console. The relay has stopped following it.',
    not_applied: 'Nothing was created. Check the console, then send the request again.',
    conflict:
      'The relay cannot tell which image belongs to this request. An administrator of the relay must decide.',
    overdue: 'Check the last runs of this job, and whether its snapshots are being made.',
  },
  problem: {
    nameTaken,
    noUsableSnapshot: ({ storageNo, maxAgeHours }) =>
      `Storage ${storageNo} has no usable snapshot from the last ${maxAgeHours} hours. Check whether its snapshots are being made.`,
    refused: ({ message }) => `NAVER Cloud refused the request: ${message}`,
    credentials:
      "NAVER Cloud refused the relay's key pair. Ask the operator of the relay to check the key pair and the clock.",
    permission: ({ action }) =>
      `The relay may not call ${action} in NAVER Cloud. Ask the operator of the relay to add the permission.`,
    throttled: 'NAVER Cloud received too many calls. Try again in a minute.',
    failed: 'NAVER Cloud reported an error of its own. Try again in a few minutes.',
    unreadable: 'NAVER Cloud sent an answer that could not be read. Try again in a minute.',
    unreachable: 'NAVER Cloud could not be reached. Try again in a minute.',
    timeout: 'NAVER Cloud did not answer in time. Try again in a minute.',
    dailyLimit: ({ dailyCreations }) =>
      `The daily limit${dailyCreations === undefined ? '' : ` of ${dailyCreations} ${dailyCreations === 1 ? 'image' : 'images'}`} is reached. You can create again after 00:00 UTC (09:00 in Korea and Japan).`,
    notConfigured: 'The relay is not set up for this. Ask the operator of the relay.',
    keyReused: 'This confirmation belongs to an older request. Send the command again.',
    internal: 'The relay had an internal error. Ask the operator of the relay to look at its log.',
    other: 'The relay could not do this. Ask the operator of the relay to look at its log.',
  },
  check: {
    'snapshot-exists': {
      passed: ({ snapshotNo }) => `Snapshot ${snapshotNo} exists.`,
      failed: ({ snapshotNo, regionCode }) =>
        `Snapshot ${snapshotNo} does not exist in region ${regionCode}.`,
    },
    'snapshot-usable': {
      passed: ({ snapshotNo }) => `Snapshot ${snapshotNo} is ready.`,
      failed: ({ snapshotNo, phase }) =>
        `Snapshot ${snapshotNo} cannot be used now: it is ${phase === 'unknown' ? 'in an unknown state' : status[phase]}.`,
    },
    'snapshot-kvm': {
      passed: ({ snapshotNo }) => `Snapshot ${snapshotNo} is from a KVM server.`,
      failed: ({ snapshotNo, hypervisor }) =>
        `Snapshot ${snapshotNo} is from ${hypervisor === null ? 'an unknown kind of' : `a ${hypervisor}`} server. Only snapshots from KVM servers can become an image.`,
    },
    'snapshot-fits': {
      passed: ({ snapshotNo }) => `Snapshot ${snapshotNo} fits its storage.`,
      failed: ({ snapshotNo, sizeGb, storageGb }) =>
        sizeGb === null
          ? `Snapshot ${snapshotNo} has an unknown size, so it may not fit a storage of ${storageGb} GB.`
          : `Snapshot ${snapshotNo} has ${sizeGb} GB and does not fit a storage of ${storageGb} GB.`,
    },
    'snapshot-bootable': {
      passed: ({ snapshotNo }) => `Snapshot ${snapshotNo} is bootable.`,
      failed: ({ snapshotNo }) =>
        `Snapshot ${snapshotNo} is not bootable, so it cannot be the base storage.`,
    },
    nameFree: ({ name }) => `The name ${name} is free.`,
    verdict: ({ failed }) =>
      failed === 0
        ? 'This request can be sent.'
        : `This request would fail: ${failed} ${failed === 1 ? 'check' : 'checks'} did not pass.`,
  },
  progress: {
    accepted: ({ name }) => `${name} is accepted and will be sent to NAVER Cloud.`,
    sending: ({ name }) => `${name} is being sent to NAVER Cloud.`,
    unknown: ({ name, knownBy }) =>
      `NAVER Cloud did not say whether ${name} was created. The relay is finding out and should know by ${time(knownBy)}. Do not repeat the request.`,
    image: {
      pending: ({ name }) => `${name} is being created`,
      busy: ({ name }) => `${name} is busy in NAVER Cloud`,
      deleting: ({ name }) => `${name} is being deleted`,
      unknown: ({ name, codes }) => `${name} is in a state that the relay does not know: ${codes}`,
    },
  },
  chat: {
    help: {
      title: 'What you can ask',
      command: {
        status: {
          form: 'status <number | name | request>',
          purpose: 'shows the state of an image, or of a request to create one',
        },
        create: {
          form: 'create <name> <snapshot> [<size>:<type> | <snapshot>:<size>:<type>]…',
          purpose: 'creates an image after you confirm it; the first snapshot is the base',
        },
        recent: { form: 'recent', purpose: 'lists the images that you requested' },
        snapshots: {
          form: 'snapshots <storage>',
          purpose: 'lists the snapshots of a storage that an image can be created from',
        },
        jobs: { form: 'jobs', purpose: 'lists the scheduled jobs with their last and next runs' },
        run: { form: 'run <job>', purpose: 'runs a job now, after you confirm it' },
        confirm: { form: 'confirm <code>', purpose: 'confirms what you asked for' },
        help: { form: 'help', purpose: 'shows this list' },
      },
    },
    misread: {
      title: 'I did not understand that',
      unknownCommand: ({ word }) => `There is no command "${word}".`,
      wrongWord: ({ word, rule }) => `I did not understand "${word}": ${rule}`,
      missingWord: ({ rule }) => `Something is missing: ${rule}`,
      extraWord: ({ word }) => `"${word}" is one word too many.`,
      rule: {
        reference:
          'I need the number or the name of an image, or the id of a request that begins with op_.',
        name: 'a name has 3 to 30 lower-case letters, digits and hyphens. It begins with a letter and does not end with a hyphen.',
        snapshot: 'I need the number of a snapshot, which has digits only.',
        storage:
          'a further storage is written size:type or snapshot:size:type. The size is in GB and a multiple of 10; the type is CB1, CB2, FB1 or FB2.',
        storageNo: 'I need the number of a storage, which has digits only.',
        job: 'I need the name of a job.',
        code: 'I need the code that I sent you.',
      },
      example: ({ command }) => `Example: ${command}`,
    },
    list: {
      operations: {
        title: 'Images that you requested',
        empty: 'You have not requested any images yet.',
      },
      jobs: { title: 'Scheduled jobs', empty: 'No jobs are set up.' },
      images: ({ name }) => `Images with the name ${name}`,
      snapshots: {
        title: ({ storageNo }) => `Usable snapshots of storage ${storageNo}`,
        empty: ({ storageNo }) =>
          `Storage ${storageNo} has no snapshot that an image can be created from.`,
        item: ({ snapshotNo, name, sizeGb, createdAt, isBootable }) =>
          [
            snapshotNo,
            ...(name === null ? [] : [name]),
            ...(sizeGb === null ? [] : [`${sizeGb} GB`]),
            ...(createdAt === null ? [] : [`created ${time(createdAt)}`]),
            isBootable ? 'bootable' : 'not bootable',
          ].join(', '),
      },
      image: ({ imageNo, status: word }) => `Image ${imageNo}: ${status[word]}`,
      operation: ({ name, status: word, imageNo, operationId }) =>
        `${name}: ${status[word]}${imageNo === null ? '' : `, image ${imageNo}`} (${operationId})`,
      job: ({ job, next, last }) => {
        const image = last?.imageNo ? ` (image ${last.imageNo})` : ''
        return [
          `${job}: next run ${next ?? 'never'}`,
          last ? `last run ${last.at} ${status[last.status]}${image}` : 'no run yet',
        ].join(', ')
      },
    },
    notFound: {
      image: ({ reference }) =>
        /^\d+$/.test(reference)
          ? `There is no image with the number ${reference}.`
          : `There is no image with the name ${reference}.`,
      operation: ({ operationId }) => `There is no request ${operationId} that you may see.`,
      job: ({ job, jobs }) =>
        jobs.length === 0
          ? `There is no job ${job}: no jobs are set up.`
          : `There is no job ${job}. The jobs are: ${jobs.join(', ')}.`,
    },
    confirm: {
      create: ({ name }) => `Create image ${name}?`,
      run: ({ job }) => `Run job ${job} now?`,
      runCreates: ({ name }) => `This run creates the image ${name}.`,
      impossible: ({ name }) => `${name} cannot be created`,
      storage: ({ order, snapshotNo, sizeGb, volumeType }) => {
        const source = snapshotNo === undefined ? 'new and empty' : `from snapshot ${snapshotNo}`
        const size = sizeGb === null ? 'size unknown' : `${sizeGb} GB`
        const place = order === 0 ? 'Base storage' : `Storage ${order}`
        return `${place}: ${source}, ${[size, volumeType].filter(Boolean).join(' ')}`
      },
      unchecked: 'NAVER Cloud is slow, so snapshots and name could not be checked.',
      minuteMissing: ({ job }) =>
        `Job ${job} runs on its schedule only: the name of its image does not contain {HHmm}, so two runs on one day would have one name.`,
      tooLong:
        'This command is too long for a button of NAVER WORKS. Use fewer storages, or send the request over HTTP.',
      expired: ({ command }) =>
        `This confirmation is more than 10 minutes old. Send the command again: ${command}`,
      forbidden: ({ person }) =>
        `You are not allowed to create images. Ask the operator of the relay to add ${person}.`,
      code: ({ command }) => `To confirm, send: ${command}`,
    },
    button: { create: 'Create', run: 'Run', cancel: 'Cancel', refresh: 'Refresh' },
    started: ({ name, command }) =>
      `${name} is requested. The result will be posted here. To see its state, send: ${command}`,
    late: 'NAVER Cloud is slow. The answer will be posted here within two minutes.',
  },
}
