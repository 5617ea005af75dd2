-- The digest of an audit row: SHA-256 over a JSON array of all its other members, the digest of the row before among them.
CREATE OR REPLACE FUNCTION public.billing_audit_digest(entry public.voucher_audit) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT 'sha256:' || encode(sha256(convert_to(jsonb_build_array(
           entry.id, entry.previous_digest, entry.code, entry.action, entry.actor,
           to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), entry.before, entry.after,
           entry.issuer, entry.subject, entry.token_id,
           to_char(entry.token_issued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), entry.batch)::text, 'UTF8')), 'hex')
$$;
