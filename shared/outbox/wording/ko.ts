import type { NameHolder } from '../../problem.ts'
import { MINUTE_MS } from '../../web/durations.ts'
import type { Wording } from './wording.ts'

const status: Wording['status'] = {
  accepted: '전송 대기',
  sending: '전송 중',
  unknown: '확인 중',
  conflict: '결정 필요',
  rejected: '거부됨',
  not_applied: '생성되지 않음',
  pending: '생성 중',
  ready: '준비 완료',
  failed: '생성 실패',
  busy: '작업 중',
  deleting: '삭제 중',
  gone: '삭제됨',
}

function time(at: number): string {
  const local = new Date(at + 9 * 60 * MINUTE_MS)
  const clock = local.toISOString().slice(11, 16)
  return `${local.getUTCMonth() + 1}월 ${local.getUTCDate()}일 ${clock}`
}

function heldBy(holder: NameHolder | undefined): string {
  const { imageNo, operationId } = holder ?? {}
  const by = imageNo ? `이미지 ${imageNo}` : operationId ? `요청 ${operationId}` : '다른 요청'
  const since = holder?.since ? `, ${time(Date.parse(holder.since))}부터` : ''
  return holder ? `${by}(${status[holder.status]}${since})` : '다른 이미지'
}

function nameTaken({ name, holder }: { name: string; holder: NameHolder | undefined }): string {
  return `${name} 이름은 이미 사용 중입니다: ${heldBy(holder)}. 다른 이름을 사용하세요.`
}

/** The sentences in Korean. */
export const ko: Wording = {
  time,
  duration(seconds) {
    const parts: [number, string][] = [
      [Math.floor(seconds / 3_600), '시간'],
      [Math.floor((seconds % 3_600) / 60), '분'],
      [seconds % 60, '초'],
    ]
    const given = parts.filter(([amount]) => amount > 0).slice(0, 2)
    return given.map(([amount, unit]) => `${amount}${unit}`).join(' ')
  },
  status,
  field: {
    image: '이미지',
    job: '작업',
    duration: '소요 시간',
    size: '크기',
    region: '리전',
    lastReady: '마지막 완료',
    operation: '요청',
    created: '생성일',
  },
  title: {
    ready: ({ name }) => `${name} 준비 완료`,
    failed: ({ name }) => `${name} 생성 실패`,
    gone: ({ name }) => `${name} 삭제됨`,
    unknown: ({ name }) => `${name} 생성 여부를 아직 알 수 없음`,
    stalled: ({ name }) => `${name} 24시간 동안 준비되지 않음`,
    rejected: ({ name }) => `${name} 생성되지 않음`,
    not_applied: ({ name }) => `${name} 생성되지 않음`,
    conflict: ({ name }) => `${name} 결정 필요`,
    overdue: ({ job, hours }) => `${job}: ${hours}시간 넘게 준비된 이미지 없음`,
  },
  advice: {
    failed:
      '네이버 클라우드에서 이미지를 만들지 못했습니다. 콘솔에서 확인하고 삭제한 뒤 다시 생성하세요.',
    gone: '이미지가 더 이상 없습니다. 필요하면 다시 생성하세요.',
    unknown:
      '한 시간 동안 네이버 클라우드에서 결과를 확인하지 못했습니다. 콘솔에서 이미지가 있는지 확인하세요. 릴레이가 계속 확인하여 결과를 알리므로 요청을 반복하지 마세요.',
    stalled: '콘솔에서 이미지를 확인하세요. 릴레이는 더 이상 추적하지 않습니다.',
    not_applied: '아무것도 생성되지 않았습니다. 콘솔에서 확인한 뒤 다시 요청하세요.',
    conflict:
      '어느 이미지가 이 요청의 것인지 릴레이가 판단할 수 없습니다. 릴레이 관리자가 정해야 합니다.',
    overdue: '이 작업의 최근 실행과 스냅샷 생성 여부를 확인하세요.',
  },
  problem: {
    nameTaken,
    noUsableSnapshot: ({ storageNo, maxAgeHours }) =>
      `스토리지 ${storageNo}: 최근 ${maxAgeHours}시간 안에 만든 사용 가능한 스냅샷이 없습니다. 스냅샷이 생성되고 있는지 확인하세요.`,
    refused: ({ message }) => `네이버 클라우드가 요청을 거부했습니다: ${message}`,
    credentials:
      '네이버 클라우드가 릴레이의 인증키를 거부했습니다. 인증키와 시각을 확인하도록 릴레이 운영자에게 요청하세요.',
    permission: ({ action }) =>
      `릴레이에 네이버 클라우드의 ${action} 권한이 없습니다. 권한을 추가하도록 릴레이 운영자에게 요청하세요.`,
    throttled: '네이버 클라우드에 호출이 너무 많습니다. 1분 뒤에 다시 시도하세요.',
    failed: '네이버 클라우드 내부 오류입니다. 몇 분 뒤에 다시 시도하세요.',
    unreadable: '네이버 클라우드의 응답을 읽을 수 없습니다. 1분 뒤에 다시 시도하세요.',
    unreachable: '네이버 클라우드에 연결할 수 없습니다. 1분 뒤에 다시 시도하세요.',
    timeout: '네이버 클라우드가 제때 응답하지 않았습니다. 1분 뒤에 다시 시도하세요.',
    dailyLimit: ({ dailyCreations }) =>
      `하루 한도${dailyCreations === undefined ? '' : `(이미지 ${dailyCreations}개)`}를 모두 사용했습니다. 오전 9시부터 다시 생성할 수 있습니다.`,
    notConfigured: '릴레이가 이 기능에 맞게 설정되어 있지 않습니다. 릴레이 운영자에게 문의하세요.',
    keyReused: '이전 요청에 대한 확인입니다. 명령을 다시 보내세요.',
    internal: '릴레이 내부 오류입니다. 로그를 확인하도록 릴레이 운영자에게 요청하세요.',
    other: '릴레이가 처리하지 못했습니다. 로그를 확인하도록 릴레이 운영자에게 요청하세요.',
  },
  check: {
    'snapshot-exists': {
      passed: ({ snapshotNo }) => `스냅샷 ${snapshotNo}: 있음`,
      failed: ({ snapshotNo, regionCode }) =>
        `스냅샷 ${snapshotNo}: ${regionCode} 리전에 없습니다.`,
    },
    'snapshot-usable': {
      passed: ({ snapshotNo }) => `스냅샷 ${snapshotNo}: 준비 완료`,
      failed: ({ snapshotNo, phase }) =>
        `스냅샷 ${snapshotNo}: 지금은 사용할 수 없습니다(${phase === 'unknown' ? '알 수 없는 상태' : status[phase]}).`,
    },
    'snapshot-kvm': {
      passed: ({ snapshotNo }) => `스냅샷 ${snapshotNo}: KVM 서버의 스냅샷`,
      failed: ({ snapshotNo, hypervisor }) =>
        `스냅샷 ${snapshotNo}: ${hypervisor === null ? '종류를 알 수 없는' : hypervisor} 서버의 스냅샷입니다. KVM 서버의 스냅샷으로만 이미지를 만들 수 있습니다.`,
    },
    'snapshot-fits': {
      passed: ({ snapshotNo }) => `스냅샷 ${snapshotNo}: 스토리지 크기에 맞음`,
      failed: ({ snapshotNo, sizeGb, storageGb }) =>
        sizeGb === null
          ? `스냅샷 ${snapshotNo}: 크기를 알 수 없어 ${storageGb} GB 스토리지에 들어가는지 확인할 수 없습니다.`
          : `스냅샷 ${snapshotNo}: 크기가 ${sizeGb} GB여서 ${storageGb} GB 스토리지에 들어가지 않습니다.`,
    },
    'snapshot-bootable': {
      passed: ({ snapshotNo }) => `스냅샷 ${snapshotNo}: 부팅 가능`,
      failed: ({ snapshotNo }) =>
        `스냅샷 ${snapshotNo}: 부팅할 수 없어 기본 스토리지로 쓸 수 없습니다.`,
    },
    nameFree: ({ name }) => `${name} 이름은 사용할 수 있습니다.`,
    verdict: ({ failed }) =>
      failed === 0
        ? '요청을 보낼 수 있습니다.'
        : `요청이 실패합니다: 통과하지 못한 항목 ${failed}개`,
  },
  progress: {
    accepted: ({ name }) => `${name} 요청을 접수했으며 곧 네이버 클라우드에 보냅니다.`,
    sending: ({ name }) => `${name} 요청을 네이버 클라우드에 보내는 중입니다.`,
    unknown: ({ name, knownBy }) =>
      `네이버 클라우드가 ${name} 생성 여부를 알려 주지 않았습니다. 릴레이가 확인하고 있으며 ${time(knownBy)}까지 알 수 있습니다. 요청을 반복하지 마세요.`,
    image: {
      pending: ({ name }) => `${name} 생성 중`,
      busy: ({ name }) => `${name} 네이버 클라우드에서 작업 중`,
      deleting: ({ name }) => `${name} 삭제 중`,
      unknown: ({ name, codes }) => `${name} 릴레이가 모르는 상태: ${codes}`,
    },
  },
  chat: {
    help: {
      title: '사용할 수 있는 명령',
      command: {
        status: {
          form: 'status <번호 | 이름 | 요청>',
          purpose: '이미지 또는 생성 요청의 상태를 보여 줍니다',
        },
        create: {
          form: 'create <이름> <스냅샷> [<크기>:<타입> | <스냅샷>:<크기>:<타입>]…',
          purpose: '확인을 받은 뒤 이미지를 생성합니다. 첫 스냅샷이 기본 스토리지입니다',
        },
        recent: { form: 'recent', purpose: '내가 요청한 이미지 목록을 보여 줍니다' },
        snapshots: {
          form: 'snapshots <스토리지>',
          purpose: '이미지를 만들 수 있는 스토리지의 스냅샷 목록을 보여 줍니다',
        },
        jobs: { form: 'jobs', purpose: '예약 작업의 마지막 실행과 다음 실행을 보여 줍니다' },
        run: { form: 'run <작업>', purpose: '확인을 받은 뒤 작업을 지금 실행합니다' },
        confirm: { form: 'confirm <코드>', purpose: '요청한 내용을 확인합니다' },
        help: { form: 'help', purpose: '이 목록을 보여 줍니다' },
      },
    },
    misread: {
      title: '이해하지 못했습니다',
      unknownCommand: ({ word }) => `"${word}" 명령은 없습니다.`,
      wrongWord: ({ word, rule }) => `"${word}" 부분을 이해하지 못했습니다. ${rule}`,
      missingWord: ({ rule }) => `빠진 것이 있습니다. ${rule}`,
      extraWord: ({ word }) => `"${word}" 부분은 필요하지 않습니다.`,
      rule: {
        reference: '이미지 번호나 이름, 또는 op_로 시작하는 요청 ID를 쓰세요.',
        name: '이름은 영문 소문자, 숫자, 하이픈으로 3~30자입니다. 영문자로 시작하고 하이픈으로 끝나지 않아야 합니다.',
        snapshot: '스냅샷 번호를 숫자로만 쓰세요.',
        storage:
          '추가 스토리지는 크기:타입 또는 스냅샷:크기:타입으로 씁니다. 크기는 GB 단위이며 10의 배수, 타입은 CB1, CB2, FB1, FB2 중 하나입니다.',
        storageNo: '스토리지 번호를 숫자로만 쓰세요.',
        job: '작업 이름을 쓰세요.',
        code: '받은 코드를 그대로 쓰세요.',
      },
      example: ({ command }) => `예: ${command}`,
    },
    list: {
      operations: { title: '내가 요청한 이미지', empty: '아직 요청한 이미지가 없습니다.' },
      jobs: { title: '예약 작업', empty: '설정된 작업이 없습니다.' },
      images: ({ name }) => `이름이 ${name}인 이미지`,
      snapshots: {
        title: ({ storageNo }) => `스토리지 ${storageNo}의 사용 가능한 스냅샷`,
        empty: ({ storageNo }) =>
          `스토리지 ${storageNo}에는 이미지를 만들 수 있는 스냅샷이 없습니다.`,
        item: ({ snapshotNo, name, sizeGb, createdAt, isBootable }) =>
          [
            snapshotNo,
            ...(name === null ? [] : [name]),
            ...(sizeGb === null ? [] : [`${sizeGb} GB`]),
            ...(createdAt === null ? [] : [`${time(createdAt)} 생성`]),
            isBootable ? '부팅 가능' : '부팅 불가',
          ].join(', '),
      },
      image: ({ imageNo, status: word }) => `이미지 ${imageNo}: ${status[word]}`,
      operation: ({ name, status: word, imageNo, operationId }) =>
        `${name}: ${status[word]}${imageNo === null ? '' : `, 이미지 ${imageNo}`} (${operationId})`,
      job: ({ job, next, last }) => {
        const image = last?.imageNo ? ` (이미지 ${last.imageNo})` : ''
        return [
          `${job}: 다음 실행 ${next ?? '없음'}`,
          last ? `마지막 실행 ${last.at} ${status[last.status]}${image}` : '실행 기록 없음',
        ].join(', ')
      },
    },
    notFound: {
      image: ({ reference }) =>
        /^\d+$/.test(reference)
          ? `번호가 ${reference}인 이미지가 없습니다.`
          : `이름이 ${reference}인 이미지가 없습니다.`,
      operation: ({ operationId }) => `볼 수 있는 요청 중에 ${operationId} 요청이 없습니다.`,
      job: ({ job, jobs }) =>
        jobs.length === 0
          ? `${job} 작업이 없습니다. 설정된 작업이 없습니다.`
          : `${job} 작업이 없습니다. 작업 목록: ${jobs.join(', ')}`,
    },
    confirm: {
      create: ({ name }) => `${name} 이미지를 생성할까요?`,
      run: ({ job }) => `${job} 작업을 지금 실행할까요?`,
      runCreates: ({ name }) => `실행하면 ${name} 이미지가 생성됩니다.`,
      impossible: ({ name }) => `${name} 이미지를 생성할 수 없습니다`,
      storage: ({ order, snapshotNo, sizeGb, volumeType }) => {
        const source = snapshotNo === undefined ? '빈 스토리지' : `스냅샷 ${snapshotNo}`
        const size = sizeGb === null ? '크기 알 수 없음' : `${sizeGb} GB`
        const place = order === 0 ? '기본 스토리지' : `스토리지 ${order}`
        return `${place}: ${source}, ${[size, volumeType].filter(Boolean).join(' ')}`
      },
      unchecked: '네이버 클라우드의 응답이 늦어 스냅샷과 이름을 확인하지 못했습니다.',
      minuteMissing: ({ job }) =>
        `${job} 작업은 예약된 시각에만 실행됩니다. 이미지 이름에 {HHmm}이 없어 같은 날 두 번 실행하면 이름이 겹칩니다.`,
      tooLong:
        '명령이 길어 NAVER WORKS 버튼에 담을 수 없습니다. 스토리지를 줄이거나 HTTP로 요청하세요.',
      expired: ({ command }) => `확인 시간 10분이 지났습니다. 명령을 다시 보내세요: ${command}`,
      forbidden: ({ person }) =>
        `이미지를 생성할 권한이 없습니다. ${person} 계정을 추가하도록 릴레이 운영자에게 요청하세요.`,
      code: ({ command }) => `확인하려면 다음을 보내세요: ${command}`,
    },
    button: { create: '생성', run: '실행', cancel: '취소', refresh: '새로 고침' },
    started: ({ name, command }) =>
      `${name} 생성을 요청했습니다. 결과는 여기에 알려 드립니다. 상태를 보려면 다음을 보내세요: ${command}`,
    late: '네이버 클라우드의 응답이 늦습니다. 2분 안에 여기에 답을 드립니다.',
  },
}
