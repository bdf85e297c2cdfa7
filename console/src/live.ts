// The server's live stream laid over the lists: events gather and are put in place a few times a second.

import { rank } from './tier';
import type { Blind, Call, Delivery, Signal, Situation, Warning } from './types';

export interface Lists {
  warnings: Map<string, Warning>;
  situations: Map<string, Situation>;
  calls: Map<string, Call>;
  deliveries: Map<string, Delivery>;
  signals: Map<string, Signal>;
  /** Areas blind to a hazard that is in force. */
  blind: Map<string, Blind>;
}

export type LiveEvent =
  | { name: 'warning'; item: Warning }
  | { name: 'situation'; item: Situation }
  | { name: 'call'; item: Call }
  | { name: 'delivery'; item: Delivery }
  | { name: 'signal'; item: Signal & { references?: string[] } }
  | { name: 'silence'; item: { blind: Blind[] } };

export const EVENT_NAMES = ['warning', 'situation', 'call', 'delivery', 'signal', 'silence'] as const;

export const situationKey = (s: Situation): string => `${s.rule}/${s.subject}`;
export const callKey = (c: Call): string => `${c.warning}/${c.site ?? c.area}${c.device ? `/${c.device}` : ''}`;
/** One message may speak of several tiers: each is a signal of its own. */
export const signalKey = (s: Signal): string => `${s.identifier}/${s.tier}`;
export const blindKey = (b: Blind): string => `${b.hazard}/${b.area}`;
export const deliveryKey = (d: Delivery): string => `${d.link}/${d.intent ?? `${d.warning}/${d.revision}/${d.channel}/${d.purpose}/${d.tier}`}`;

export const keyed = <T>(items: T[], key: (item: T) => string): Map<string, T> => new Map(items.map((item) => [key(item), item]));

/**
 * Lays events over the lists and gives new maps for those that changed. An older revision never
 * replaces a newer one, since the lists and the stream may cross.
 */
export function apply(lists: Lists, events: Iterable<LiveEvent>): Lists {
  const next: Lists = { ...lists };
  const own = <K extends keyof Lists>(name: K): Lists[K] => {
    if (next[name] === lists[name]) next[name] = new Map(lists[name] as Map<string, never>) as Lists[K];
    return next[name];
  };
  for (const event of events) {
    switch (event.name) {
      case 'warning': {
        const known = next.warnings.get(event.item.id);
        if (!known || known.revision <= event.item.revision) own('warnings').set(event.item.id, event.item);
        break;
      }
      case 'situation':
        if (rank(event.item.tier) === 0) own('situations').delete(situationKey(event.item));
        else own('situations').set(situationKey(event.item), event.item);
        break;
      case 'call':
        // The stream names nobody: what the list said of a person stays.
        if (event.item.state === 'over') own('calls').delete(callKey(event.item));
        else {
          const known = own('calls').get(callKey(event.item));
          const same = known?.contact === event.item.contact;
          const name = event.item.name || (same ? known?.name : '') || '';
          const phone_masked = event.item.phone_masked || (same ? known?.phone_masked : '') || '';
          own('calls').set(callKey(event.item), { ...event.item, name, phone_masked });
        }
        break;
      case 'delivery':
        own('deliveries').set(deliveryKey(event.item), event.item);
        break;
      case 'signal':
        for (const [key, known] of [...next.signals]) if (event.item.references?.includes(known.identifier)) own('signals').delete(key);
        for (const [key, known] of [...next.signals]) if (event.item.kind === 'cancel' && known.identifier === event.item.identifier) own('signals').delete(key);
        if (event.item.kind !== 'cancel') own('signals').set(signalKey(event.item), event.item);
        break;
      case 'silence':
        for (const blind of event.item.blind) {
          if (blind.alarm) own('blind').set(blindKey(blind), blind);
          else own('blind').delete(blindKey(blind));
        }
        break;
    }
  }
  return next;
}
