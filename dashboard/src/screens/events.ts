// What stands in the security log, in words.

import { t } from '../i18n';

const EVENTS = [
  'user_created',
  'email_verified',
  'email_changed',
  'email_restored',
  'policy_accepted',
  'user_updated',
  'authn_login_success',
  'authn_login_fail',
  'authn_login_lock',
  'session_ended',
  'session_revoked',
  'authn_token_reuse',
  'authn_reauthenticated',
  'authn_password_reset_requested',
  'authn_password_reset',
  'authn_password_change',
  'authn_google_linked',
  'authn_google_unlinked',
  'authn_token_created',
  'authn_token_updated',
  'authn_token_rotated',
  'authn_token_revoked',
  'authn_token_leaked',
  'sensitive_export_requested',
  'sensitive_export_downloaded',
  'user_deletion_requested',
  'user_deletion_cancelled',
] as const;

export function eventName(code: string): string {
  const known = EVENTS.find((each) => each === code);
  return known ? t(`event.${known}`) : code;
}
