-- The trigger function that appends audit rows to the chain. The statement locks the chain's end, so that one transaction after
-- another appends, and a row that is rolled back leaves no gap. It runs with the rights of the owner: the role that serves may insert
-- audit rows, and may not write the chain's end. Only the owner may write rows that acknowledge differences (record) or earlier
-- redemptions (adopt). Sequential scans are off, because PostgreSQL would keep a plan that it made while the table was small.
CREATE OR REPLACE FUNCTION public.billing_chain_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  v_last record;
BEGIN
  IF TG_LEVEL = 'STATEMENT' AND TG_WHEN = 'BEFORE' THEN
    PERFORM FROM public.voucher_audit_head h WHERE h.id = 1 FOR UPDATE;
    RETURN NULL;
  END IF;
  SELECT a.id, a.digest INTO v_last FROM public.voucher_audit a ORDER BY a.id DESC LIMIT 1;
  IF TG_LEVEL = 'STATEMENT' THEN
    UPDATE public.voucher_audit_head h SET last_id = v_last.id, digest = v_last.digest
     WHERE h.id = 1 AND h.last_id < v_last.id;
    RETURN NULL;
  END IF;
  IF NEW.action NOT IN ('issue', 'update', 'revive', 'revoke', 'smoke') AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
    RAISE EXCEPTION 'only the owner of the tables may write an audit row with action %: log in as the role that migrates', NEW.action
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  NEW.id := coalesce(v_last.id, 0) + 1;
  NEW.previous_digest := coalesce(v_last.digest, '');
  NEW.at := clock_timestamp();
  NEW.digest := public.billing_audit_digest(NEW);
  RETURN NEW;
END $$;
