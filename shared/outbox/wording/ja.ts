import type { NameHolder } from '../../problem.ts'
import { MINUTE_MS } from '../../web/durations.ts'
import type { Wording } from './wording.ts'

const status: Wording['status'] = {
  accepted: '送信待ち',
  sending: '送信中',
  unknown: '確認中',
  conflict: '判断待ち',
  rejected: '拒否',
  not_applied: '未作成',
  pending: '作成中',
  ready: '準備完了',
  failed: '作成失敗',
  busy: '処理中',
  deleting: '削除中',
  gone: '削除済み',
}

function time(at: number): string {
  const local = new Date(at + 9 * 60 * MINUTE_MS)
  const clock = local.toISOString().slice(11, 16)
  return `${local.getUTCMonth() + 1}月${local.getUTCDate()}日 ${clock}`
}

function heldBy(holder: NameHolder | undefined): string {
  const { imageNo, operationId } = holder ?? {}
  const by = imageNo
    ? `イメージ ${imageNo}`
    : operationId
      ? `リクエスト ${operationId}`
      : '別のリクエスト'
  const since = holder?.since ? `、${time(Date.parse(holder.since))} から` : ''
  return holder ? `${by}（${status[holder.status]}${since}）` : '別のイメージ'
}

function nameTaken({ name, holder }: { name: string; holder: NameHolder | undefined }): string {
  return `名前 ${name} は ${heldBy(holder)} が使用中です。別の名前を指定してください。`
}

/** The sentences in Japanese. */
export const ja: Wording = {
  time,
  duration(seconds) {
    const parts: [number, string][] = [
      [Math.floor(seconds / 3_600), '時間'],
      [Math.floor((seconds % 3_600) / 60), '分'],
      [seconds % 60, '秒'],
    ]
    const given = parts.filter(([amount]) => amount > 0).slice(0, 2)
    return given.map(([amount, unit]) => `${amount}${unit}`).join('')
  },
  status,
  field: {
    image: 'イメージ',
    job: 'ジョブ',
    duration: '所要時間',
    size: 'サイズ',
    region: 'リージョン',
    lastReady: '最終完了',
    operation: 'リクエスト',
    created: '作成日時',
  },
  title: {
    ready: ({ name }) => `${name} の準備ができました`,
    failed: ({ name }) => `${name} の作成に失敗しました`,
    gone: ({ name }) => `${name} は削除されました`,
    unknown: ({ name }) => `${name} が作成されたかどうか、まだ分かりません`,
    stalled: ({ name }) => `${name} は24時間たっても準備できていません`,
    rejected: ({ name }) => `${name} は作成されませんでした`,
    not_applied: ({ name }) => `${name} は作成されませんでした`,
    conflict: ({ name }) => `${name} は判断が必要です`,
    overdue: ({ job, hours }) => `${job}: ${hours}時間以上、準備できたイメージがありません`,
  },
  advice: {
    failed:
      'NAVER Cloud がイメージを作成できませんでした。コンソールで確認して削除し、もう一度作成してください。',
    gone: 'このイメージはもうありません。必要ならもう一度作成してください。',
    unknown:
      '1時間たっても NAVER Cloud から結果を確認できていません。コンソールでイメージがあるか確認してください。リレーが確認を続けて結果を知らせるので、リクエストを繰り返さないでください。',
    stalled: 'コンソールでイメージを確認してください。リレーは追跡を終了しました。',
    not_applied:
      '何も作成されていません。コンソールで確認してから、もう一度リクエストしてください。',
    conflict:
      'どのイメージがこのリクエストのものか、リレーでは判断できません。リレーの管理者が決める必要があります。',
    overdue: 'このジョブの直近の実行と、スナップショットが作成されているかを確認してください。',
  },
  problem: {
    nameTaken,
    noUsableSnapshot: ({ storageNo, maxAgeHours }) =>
      `ストレージ ${storageNo}: 過去${maxAgeHours}時間以内に作成された、使用できるスナップショットがありません。スナップショットが作成されているか確認してください。`,
    refused: ({ message }) => `NAVER Cloud がリクエストを拒否しました: ${message}`,
    credentials:
      'NAVER Cloud がリレーの認証キーを拒否しました。認証キーと時刻の確認をリレーの運用担当者に依頼してください。',
    permission: ({ action }) =>
      `リレーには NAVER Cloud の ${action} の権限がありません。権限の追加をリレーの運用担当者に依頼してください。`,
    throttled: 'NAVER Cloud への呼び出しが多すぎます。1分後にもう一度お試しください。',
    failed: 'NAVER Cloud の内部エラーです。数分後にもう一度お試しください。',
    unreadable: 'NAVER Cloud の応答を読み取れませんでした。1分後にもう一度お試しください。',
    unreachable: 'NAVER Cloud に接続できませんでした。1分後にもう一度お試しください。',
    timeout: 'NAVER Cloud が時間内に応答しませんでした。1分後にもう一度お試しください。',
    dailyLimit: ({ dailyCreations }) =>
      `1日の上限${dailyCreations === undefined ? '' : `（イメージ${dailyCreations}個）`}に達しました。午前9時から再び作成できます。`,
    notConfigured:
      'リレーはこの機能を使うように設定されていません。リレーの運用担当者にお問い合わせください。',
    keyReused: 'この確認は以前のリクエストのものです。コマンドをもう一度送ってください。',
    internal: 'リレーの内部エラーです。ログの確認をリレーの運用担当者に依頼してください。',
    other: 'リレーで処理できませんでした。ログの確認をリレーの運用担当者に依頼してください。',
  },
  check: {
    'snapshot-exists': {
      passed: ({ snapshotNo }) => `スナップショット ${snapshotNo}: あり`,
      failed: ({ snapshotNo, regionCode }) =>
        `スナップショット ${snapshotNo} はリージョン ${regionCode} にありません。`,
    },
    'snapshot-usable': {
      passed: ({ snapshotNo }) => `スナップショット ${snapshotNo}: 準備完了`,
      failed: ({ snapshotNo, phase }) =>
        `スナップショット ${snapshotNo} は今は使用できません（${phase === 'unknown' ? '不明な状態' : status[phase]}）。`,
    },
    'snapshot-kvm': {
      passed: ({ snapshotNo }) => `スナップショット ${snapshotNo}: KVM サーバのもの`,
      failed: ({ snapshotNo, hypervisor }) =>
        `スナップショット ${snapshotNo} は${hypervisor === null ? '種類が不明な' : ` ${hypervisor} `}サーバのものです。イメージを作成できるのは KVM サーバのスナップショットだけです。`,
    },
    'snapshot-fits': {
      passed: ({ snapshotNo }) => `スナップショット ${snapshotNo}: ストレージに収まるサイズ`,
      failed: ({ snapshotNo, sizeGb, storageGb }) =>
        sizeGb === null
          ? `スナップショット ${snapshotNo} のサイズが不明なため、${storageGb} GB のストレージに収まるか確認できません。`
          : `スナップショット ${snapshotNo} は ${sizeGb} GB あり、${storageGb} GB のストレージに収まりません。`,
    },
    'snapshot-bootable': {
      passed: ({ snapshotNo }) => `スナップショット ${snapshotNo}: 起動可能`,
      failed: ({ snapshotNo }) =>
        `スナップショット ${snapshotNo} は起動できないため、基本ストレージには使えません。`,
    },
    nameFree: ({ name }) => `名前 ${name} は使用できます。`,
    verdict: ({ failed }) =>
      failed === 0
        ? 'このリクエストは送信できます。'
        : `このリクエストは失敗します: 満たしていない項目が${failed}件あります。`,
  },
  progress: {
    accepted: ({ name }) => `${name} を受け付けました。まもなく NAVER Cloud に送信します。`,
    sending: ({ name }) => `${name} を NAVER Cloud に送信しています。`,
    unknown: ({ name, knownBy }) =>
      `${name} が作成されたかどうか、NAVER Cloud から返答がありませんでした。リレーが確認中で、${time(knownBy)} までに判明します。リクエストを繰り返さないでください。`,
    image: {
      pending: ({ name }) => `${name} を作成中です`,
      busy: ({ name }) => `${name} は NAVER Cloud で処理中です`,
      deleting: ({ name }) => `${name} を削除中です`,
      unknown: ({ name, codes }) => `${name} はリレーの知らない状態です: ${codes}`,
    },
  },
  chat: {
    help: {
      title: '使えるコマンド',
      command: {
        status: {
          form: 'status <番号 | 名前 | リクエスト>',
          purpose: 'イメージまたは作成リクエストの状態を表示します',
        },
        create: {
          form: 'create <名前> <スナップショット> [<サイズ>:<タイプ> | <スナップショット>:<サイズ>:<タイプ>]…',
          purpose:
            '確認のあとイメージを作成します。最初のスナップショットが基本ストレージになります',
        },
        recent: { form: 'recent', purpose: '自分がリクエストしたイメージを一覧表示します' },
        snapshots: {
          form: 'snapshots <ストレージ>',
          purpose: 'イメージを作成できる、ストレージのスナップショットを一覧表示します',
        },
        jobs: { form: 'jobs', purpose: 'ジョブの前回の実行と次回の実行を一覧表示します' },
        run: { form: 'run <ジョブ>', purpose: '確認のあとジョブを今すぐ実行します' },
        confirm: { form: 'confirm <コード>', purpose: '依頼した内容を確認します' },
        help: { form: 'help', purpose: 'この一覧を表示します' },
      },
    },
    misread: {
      title: '理解できませんでした',
      unknownCommand: ({ word }) => `「${word}」というコマンドはありません。`,
      wrongWord: ({ word, rule }) => `「${word}」を理解できませんでした。${rule}`,
      missingWord: ({ rule }) => `足りないものがあります。${rule}`,
      extraWord: ({ word }) => `「${word}」は不要です。`,
      rule: {
        reference: 'イメージの番号か名前、または op_ で始まるリクエスト ID を指定してください。',
        name: '名前は英小文字、数字、ハイフンの3～30文字です。英字で始まり、ハイフンで終わらないようにしてください。',
        snapshot: 'スナップショットの番号を数字だけで指定してください。',
        storage:
          '追加ストレージは サイズ:タイプ または スナップショット:サイズ:タイプ と書きます。サイズは GB 単位で10の倍数、タイプは CB1、CB2、FB1、FB2 のいずれかです。',
        storageNo: 'ストレージの番号を数字だけで指定してください。',
        job: 'ジョブの名前を指定してください。',
        code: '受け取ったコードをそのまま指定してください。',
      },
      example: ({ command }) => `例: ${command}`,
    },
    list: {
      operations: {
        title: 'リクエストしたイメージ',
        empty: 'リクエストしたイメージはまだありません。',
      },
      jobs: { title: 'ジョブ', empty: '設定されたジョブはありません。' },
      images: ({ name }) => `名前が ${name} のイメージ`,
      snapshots: {
        title: ({ storageNo }) => `ストレージ ${storageNo} の使用できるスナップショット`,
        empty: ({ storageNo }) =>
          `ストレージ ${storageNo} には、イメージを作成できるスナップショットがありません。`,
        item: ({ snapshotNo, name, sizeGb, createdAt, isBootable }) =>
          [
            snapshotNo,
            ...(name === null ? [] : [name]),
            ...(sizeGb === null ? [] : [`${sizeGb} GB`]),
            ...(createdAt === null ? [] : [`${time(createdAt)} 作成`]),
            isBootable ? '起動可能' : '起動不可',
          ].join('、'),
      },
      image: ({ imageNo, status: word }) => `イメージ ${imageNo}: ${status[word]}`,
      operation: ({ name, status: word, imageNo, operationId }) =>
        `${name}: ${status[word]}${imageNo === null ? '' : `、イメージ ${imageNo}`}（${operationId}）`,
      job: ({ job, next, last }) => {
        const image = last?.imageNo ? `（イメージ ${last.imageNo}）` : ''
        return [
          `${job}: 次回の実行 ${next ?? 'なし'}`,
          last ? `前回の実行 ${last.at} ${status[last.status]}${image}` : '実行記録なし',
        ].join('、')
      },
    },
    notFound: {
      image: ({ reference }) =>
        /^\d+$/.test(reference)
          ? `番号 ${reference} のイメージはありません。`
          : `名前が ${reference} のイメージはありません。`,
      operation: ({ operationId }) => `閲覧できるリクエストに ${operationId} はありません。`,
      job: ({ job, jobs }) =>
        jobs.length === 0
          ? `ジョブ ${job} はありません。ジョブは設定されていません。`
          : `ジョブ ${job} はありません。ジョブの一覧: ${jobs.join('、')}`,
    },
    confirm: {
      create: ({ name }) => `イメージ ${name} を作成しますか？`,
      run: ({ job }) => `ジョブ ${job} を今すぐ実行しますか？`,
      runCreates: ({ name }) => `実行するとイメージ ${name} が作成されます。`,
      impossible: ({ name }) => `イメージ ${name} は作成できません`,
      storage: ({ order, snapshotNo, sizeGb, volumeType }) => {
        const source =
          snapshotNo === undefined ? '空のストレージ' : `スナップショット ${snapshotNo}`
        const size = sizeGb === null ? 'サイズ不明' : `${sizeGb} GB`
        const place = order === 0 ? '基本ストレージ' : `ストレージ ${order}`
        return `${place}: ${source}、${[size, volumeType].filter(Boolean).join(' ')}`
      },
      unchecked: 'NAVER Cloud の応答が遅く、スナップショットと名前を確認できませんでした。',
      minuteMissing: ({ job }) =>
        `ジョブ ${job} は予定の時刻にだけ実行されます。イメージの名前に {HHmm} がないため、同じ日に2回実行すると名前が重複します。`,
      tooLong:
        'コマンドが長く、NAVER WORKS のボタンに入りません。ストレージを減らすか、HTTP でリクエストしてください。',
      expired: ({ command }) =>
        `確認の期限（10分）を過ぎました。コマンドをもう一度送ってください: ${command}`,
      forbidden: ({ person }) =>
        `イメージを作成する権限がありません。${person} の追加をリレーの運用担当者に依頼してください。`,
      code: ({ command }) => `確認するには、次を送ってください: ${command}`,
    },
    button: { create: '作成', run: '実行', cancel: 'キャンセル', refresh: '更新' },
    started: ({ name, command }) =>
      `${name} の作成をリクエストしました。結果はここでお知らせします。状態を見るには次を送ってください: ${command}`,
    late: 'NAVER Cloud の応答が遅れています。2分以内にここで回答します。',
  },
}
