import type { Settings } from '../../shared/settings.ts'
import type { Clock } from '../../shared/web/clock.ts'
import type { Transport } from '../../shared/web/transport.ts'
import type { Chat } from './chat.ts'
import { mattermost } from './mattermost.ts'
import { slack } from './slack.ts'
import { works } from './works.ts'

/** Opens the chats whose secrets are set. */
export function openChats(
  { chats, language }: Settings,
  transport: Transport,
  clock: Clock,
): Chat[] {
  return [
    ...(chats.slack ? [slack(chats.slack, language, transport)] : []),
    ...(chats.mattermost ? [mattermost(chats.mattermost, language, transport)] : []),
    ...(chats.works ? [works(chats.works, language, transport, clock)] : []),
  ]
}
