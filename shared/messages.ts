import type { Ending } from './notice.ts'
import type { ProblemCode } from './problem.ts'

/** The languages in which people are told. */
export const LANGUAGES = ['en', 'ko', 'ja'] as const

/** A language in which people are told. */
export type Language = (typeof LANGUAGES)[number]

/** The words of one language. In `{…}` stands what is filled in. */
interface Messages {
  title: Record<Ending | 'silent', string>
  /** What to do, by how it ended; of `rejected` by the problem. */
  todo: Record<Exclude<Ending, 'ready' | 'rejected'> | 'silent', string>
  problem: Partial<Record<ProblemCode, string>>
  /** Of any other problem. */
  incomplete: string
  field: Record<'image' | 'job' | 'duration' | 'size' | 'region' | 'lastReady' | 'creation', string>
  /** Of a duration, and what stands between two of them. */
  unit: Record<'hours' | 'minutes' | 'seconds', string>
  between: string
  chat: ChatMessages
}

/** What is said in chats alone; commands and what they are made of are the same in all languages. */
interface ChatMessages {
  /** Of an image that is on its way. */
  pending: string
  button: Record<'create' | 'run' | 'cancel' | 'refresh', string>
  started: string
  unchecked: string
  misread: string
  absent: string
  expired: string
  forbidden: string
  late: string
}

/** What people are told, in their language. */
export const MESSAGES: Record<Language, Messages> = {
  en: {
    title: {
      ready: '{name} is ready',
      failed: '{name} failed',
      gone: '{name} is gone',
      timed_out: '{name} is not ready after a day',
      rejected: '{name} was not made',
      not_created: '{name} was not made',
      conflict: '{name} needs a decision',
      silent: '{job}: no ready image for over {hours} h',
    },
    todo: {
      failed:
        'NAVER Cloud could not make it. Look in the console, delete it there, then start again.',
      gone: 'Start again if you need it.',
      timed_out: 'Look in the console. The relay follows it no longer.',
      not_created: 'Look in the console, then start again.',
      conflict:
        'It is not certain which image it is, if any. Name that, or abandon it: POST /v1/creations/{creationId}/resolution',
      silent: 'Look at the last runs: GET /v1/jobs',
    },
    problem: {
      'name-taken':
        'The name is in use: GET /v1/images?name={name}. Delete that image only if nobody needs it, or give another name.',
      'invalid-input': 'There is no usable snapshot. See what makes them. {detail}',
      'upstream-refused': 'NAVER Cloud refused the request: {upstream}',
      'upstream-credentials':
        'NAVER Cloud refused the relay’s key pair. Renew it, or set the clock.',
      'upstream-permission': 'The relay’s sub account may not call {action}. Add the permission.',
    },
    incomplete: 'That did not work ({code}). Try again later.',
    field: {
      image: 'Image',
      job: 'Job',
      duration: 'Took',
      size: 'Size',
      region: 'Region',
      lastReady: 'Last ready',
      creation: 'Creation',
    },
    unit: { hours: '{n} h', minutes: '{n} min', seconds: '{n} s' },
    between: ' ',
    chat: {
      pending: '{name} is being made',
      button: { create: 'Create', run: 'Run', cancel: 'Cancel', refresh: 'Refresh' },
      started: '{name} is requested. You are told here how it ends.',
      unchecked: 'NAVER Cloud is slow: snapshots and name are not checked.',
      misread: 'Not understood',
      absent: 'There is none of that name or number.',
      expired: 'That was too long ago. Ask again:',
      forbidden: 'You may not make images: CHAT_CREATORS',
      late: 'NAVER Cloud is slow. The answer follows here in two minutes.',
    },
  },
  ko: {
    title: {
      ready: '{name} 준비 완료',
      failed: '{name} 생성 실패',
      gone: '{name} 삭제됨',
      timed_out: '{name} 24시간 넘게 준비되지 않음',
      rejected: '{name} 생성되지 않음',
      not_created: '{name} 생성되지 않음',
      conflict: '{name} 확인 필요',
      silent: '{job}: {hours}시간 넘게 완료된 이미지 없음',
    },
    todo: {
      failed: '네이버 클라우드가 만들지 못했습니다. 콘솔에서 확인 후 삭제하고 다시 실행하세요.',
      gone: '필요하면 다시 실행하세요.',
      timed_out: '콘솔에서 확인하세요. 릴레이는 더 이상 추적하지 않습니다.',
      not_created: '콘솔에서 확인 후 다시 실행하세요.',
      conflict:
        '어느 이미지인지 확실하지 않습니다. 지정하거나 포기하세요: POST /v1/creations/{creationId}/resolution',
      silent: '최근 실행을 확인하세요: GET /v1/jobs',
    },
    problem: {
      'name-taken':
        '사용 중인 이름입니다: GET /v1/images?name={name}. 아무도 쓰지 않는 이미지일 때만 삭제하고, 아니면 다른 이름을 사용하세요.',
      'invalid-input': '사용할 수 있는 스냅샷이 없습니다. 스냅샷 생성 작업을 확인하세요. {detail}',
      'upstream-refused': '네이버 클라우드가 요청을 거부했습니다: {upstream}',
      'upstream-credentials':
        '네이버 클라우드가 릴레이의 인증키를 거부했습니다. 교체하거나 시각을 맞추세요.',
      'upstream-permission': '릴레이의 서브 계정에 {action} 권한을 추가하세요.',
    },
    incomplete: '처리하지 못했습니다 ({code}). 나중에 다시 실행하세요.',
    field: {
      image: '이미지',
      job: '작업',
      duration: '소요 시간',
      size: '크기',
      region: '리전',
      lastReady: '마지막 완료',
      creation: '생성 요청 ID',
    },
    unit: { hours: '{n}시간', minutes: '{n}분', seconds: '{n}초' },
    between: ' ',
    chat: {
      pending: '{name} 생성 중',
      button: { create: '생성', run: '실행', cancel: '취소', refresh: '새로 고침' },
      started: '{name} 요청을 접수했습니다. 결과는 여기에 알려 드립니다.',
      unchecked: '네이버 클라우드의 응답이 늦어 스냅샷과 이름을 확인하지 못했습니다.',
      misread: '이해하지 못했습니다',
      absent: '해당 이름이나 번호가 없습니다.',
      expired: '시간이 지났습니다. 다시 요청하세요:',
      forbidden: '이미지 생성 권한이 없습니다: CHAT_CREATORS',
      late: '네이버 클라우드의 응답이 늦어 1~2분 안에 여기에 알려 드립니다.',
    },
  },
  ja: {
    title: {
      ready: '{name} の準備ができました',
      failed: '{name} の作成に失敗しました',
      gone: '{name} は削除されました',
      timed_out: '{name} は24時間以上、準備ができていません',
      rejected: '{name} は作成されませんでした',
      not_created: '{name} は作成されませんでした',
      conflict: '{name} の確認が必要です',
      silent: '{job}: {hours}時間以上、完了したイメージがありません',
    },
    todo: {
      failed:
        'NAVER Cloud が作成できませんでした。コンソールで確認して削除し、再実行してください。',
      gone: '必要なら再実行してください。',
      timed_out: 'コンソールで確認してください。リレーは追跡を終えました。',
      not_created: 'コンソールで確認して再実行してください。',
      conflict:
        'どのイメージか特定できません。指定するか、破棄してください: POST /v1/creations/{creationId}/resolution',
      silent: '直近の実行を確認してください: GET /v1/jobs',
    },
    problem: {
      'name-taken':
        '名前は使用中です: GET /v1/images?name={name}。誰も使っていない場合だけ削除し、それ以外は別の名前を指定してください。',
      'invalid-input':
        '使えるスナップショットがありません。スナップショットの作成を確認してください。{detail}',
      'upstream-refused': 'NAVER Cloud がリクエストを拒否しました: {upstream}',
      'upstream-credentials':
        'NAVER Cloud がリレーの認証キーを拒否しました。差し替えるか、時刻を合わせてください。',
      'upstream-permission': 'リレーのサブアカウントに {action} の権限を追加してください。',
    },
    incomplete: '処理できませんでした ({code})。後で再実行してください。',
    field: {
      image: 'イメージ',
      job: 'ジョブ',
      duration: '所要時間',
      size: 'サイズ',
      region: 'リージョン',
      lastReady: '最終完了',
      creation: '作成 ID',
    },
    unit: { hours: '{n}時間', minutes: '{n}分', seconds: '{n}秒' },
    between: '',
    chat: {
      pending: '{name} を作成中です',
      button: { create: '作成', run: '実行', cancel: 'キャンセル', refresh: '更新' },
      started: '{name} を受け付けました。結果はここでお知らせします。',
      unchecked: 'NAVER Cloud の応答が遅く、スナップショットと名前を確認できませんでした。',
      misread: '理解できませんでした',
      absent: 'その名前や番号は見つかりません。',
      expired: '期限が過ぎました。もう一度依頼してください:',
      forbidden: 'イメージを作成する権限がありません: CHAT_CREATORS',
      late: 'NAVER Cloud の応答が遅れています。1～2分後にここでお知らせします。',
    },
  },
}
