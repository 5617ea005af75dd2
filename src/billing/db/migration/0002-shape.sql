-- Gives an empty database and a database of the earlier service the same shape. It adds columns that the first releases of the
-- earlier service lacked, sets nullability and defaults, and builds all constraints again under fixed names.
-- It rewrites no table and reads no rows, so the locks, which it takes together, are held only for a moment.
LOCK TABLE public.customers, public.promo_codes, public.promo_redemptions, public.credit_ledger, public.orders,
  public.subscriptions, public.invoices, public.stripe_webhook_events, public.settings IN ACCESS EXCLUSIVE MODE;

ALTER TABLE public.orders
  ADD COLUMN IF NOT EXISTS apps jsonb, ADD COLUMN IF NOT EXISTS addons jsonb,
  ADD COLUMN IF NOT EXISTS amount_baisa bigint, ADD COLUMN IF NOT EXISTS promo_code text;
ALTER TABLE public.invoices ADD COLUMN IF NOT EXISTS amount_baisa bigint;
ALTER TABLE public.promo_codes ADD COLUMN IF NOT EXISTS deleted_at timestamptz;
ALTER TABLE public.credit_ledger ADD COLUMN IF NOT EXISTS status text;
ALTER TABLE public.stripe_webhook_events ADD COLUMN IF NOT EXISTS status text;

DO $$
DECLARE
  earlier CONSTANT text[] := ARRAY['customers', 'subscriptions', 'orders', 'invoices', 'stripe_webhook_events', 'settings',
    'promo_codes', 'credit_ledger', 'promo_redemptions'];
  item record;
BEGIN
  -- Foreign keys first: they depend on unique constraints and primary keys.
  FOR item IN
    SELECT c.conrelid::regclass AS relation, c.conname
      FROM pg_catalog.pg_constraint c
     WHERE c.connamespace = 'public'::regnamespace AND c.contype IN ('f', 'u', 'c', 'x')
       AND c.conrelid IN (SELECT format('public.%I', t)::regclass FROM unnest(earlier) AS t)
     ORDER BY c.contype = 'f' DESC
  LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', item.relation, item.conname);
  END LOOP;
  FOR item IN
    SELECT c.conrelid::regclass AS relation, c.conname, t || '_pkey' AS wanted
      FROM unnest(earlier) AS t
      JOIN pg_catalog.pg_constraint c ON c.conrelid = format('public.%I', t)::regclass AND c.contype = 'p'
     WHERE c.conname <> t || '_pkey'
  LOOP
    EXECUTE format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I', item.relation, item.conname, item.wanted);
  END LOOP;
  -- Indexes that were added by hand: ours replace them. The preflight records each in adoption_findings.
  FOR item IN
    SELECT i.indexrelid::regclass AS index_name
      FROM pg_catalog.pg_index i
     WHERE NOT i.indisprimary AND i.indrelid IN (SELECT format('public.%I', t)::regclass FROM unnest(earlier) AS t)
  LOOP
    EXECUTE format('DROP INDEX %s', item.index_name);
  END LOOP;
  -- NOT NULL would apply to old rows too. CHECK constraints that are NOT VALID (below) apply to new rows only.
  FOR item IN
    SELECT a.attrelid::regclass AS relation, a.attname
      FROM pg_catalog.pg_attribute a
     WHERE a.attrelid IN (SELECT format('public.%I', t)::regclass FROM unnest(earlier) AS t)
       AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
       AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_index i
                        WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey))
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', item.relation, item.attname);
  END LOOP;
  -- Defaults that no known release of the earlier service set. The preflight records each in adoption_findings.
  FOR item IN
    SELECT a.attrelid::regclass AS relation, a.attname
      FROM (VALUES ('customers', '{user_id,tenant_id,stripe_customer_id,email}'::text[]),
                   ('subscriptions', '{customer_id,tenant_id,stripe_subscription_id,plan_id,current_period_start,current_period_end}'),
                   ('orders', '{customer_id,tenant_id,plan_id,amount_omr,stripe_session_id,promo_code}'),
                   ('invoices', '{customer_id,tenant_id,stripe_invoice_id,amount_omr,amount_baisa,period_start,period_end,pdf_url}'),
                   ('stripe_webhook_events', '{event_id,event_type}'), ('promo_codes', '{code,credit_omr,deleted_at}'),
                   ('credit_ledger', '{customer_id,amount_omr,reason,order_id}'), ('promo_redemptions', '{customer_id,code}'))
             AS t (name, columns)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = format('public.%I', t.name)::regclass AND a.attname = ANY (t.columns)
     WHERE a.atthasdef AND a.attgenerated = ''
  LOOP
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', item.relation, item.attname);
  END LOOP;
END $$;

-- The key under which codes are compared. voucherKey in src/billing/voucher/key.ts does the same to what people type.
-- ASCII letters count in upper case, and blanks around the code do not count. Of a code with other characters, also:
--   in composed form (NFC)
--   Arabic-Indic and Persian digits as 0 to 9, and every kind of dash as -
--   without bidirectional marks, variation selectors and other characters of no width
--   without Unicode's blanks around it
--   letters in upper case where one letter has one capital and the capital leads back to it: not ß, ﬁ, ı and ſ
-- The letters are listed, because upper() depends on the locale, and one missing letter would hide a voucher. Codes over 512
-- bytes are compared by ASCII alone: the folded key might not fit into an index entry.
CREATE OR REPLACE FUNCTION public.billing_code_key(code text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE
    WHEN octet_length(code) = char_length(code) OR octet_length(btrim(code, E' \t\n\r\f\x0B')) > 512
    THEN upper(btrim(code, E' \t\n\r\f\x0B') COLLATE "C")
    ELSE translate(upper(btrim(
      translate(normalize(code, NFC),
        E'\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u06f0\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7\u06f8\u06f9'
        '\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d'
        '\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufeff'
        '\ufe00\ufe01\ufe02\ufe03\ufe04\ufe05\ufe06\ufe07\ufe08\ufe09\ufe0a\ufe0b\ufe0c\ufe0d\ufe0e\ufe0f',
        '01234567890123456789-----------'),
      E' \t\n\r\f\x0B\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000') COLLATE "C"),
      'àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿāăąćĉċčďđēĕėęěĝğġģĥħĩīĭįĳĵķĺļľŀłńņňŋōŏőœŕŗřśŝşšţťŧũūŭůűųŵŷźżžƀƃƅƈƌƒƕƙƚƛƞơƣƥƨƭưƴƶƹƽƿǆǉǌǎǐǒ'
      'ǔǖǘǚǜǝǟǡǣǥǧǩǫǭǯǳǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȝȟȣȥȧȩȫȭȯȱȳȼȿɀɂɇɉɋɍɏɐɑɒɓɔɖɗəɛɜɠɡɣɤɥɦɨɩɪɫɬɯɱɲɵɽʀʂʃʇʈʉʊʋʌʒʝʞͱͳͷͻͼͽάέήίαβγδεζηθικλμνξοπρ'
      'στυφχψωϊϋόύώϗϙϛϝϟϡϣϥϧϩϫϭϯϲϳϸϻабвгдежзийклмнопрстуфхцчшщъыьэюяѐёђѓєѕіїјљњћќѝўџѡѣѥѧѩѫѭѯѱѳѵѷѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽ'
      'ҿӂӄӆӈӊӌӎӏӑӓӕӗәӛӝӟӡӣӥӧөӫӭӯӱӳӵӷӹӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆაბგდევზთიკლმნოპჟრსტუფქღყშ'
      'ჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿᏸᏹᏺᏻᏼᏽᲊᵹᵽᶎḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕạảấầẩẫậắằẳẵặẹẻ'
      'ẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹỻỽỿἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὑὓὕὗὠὡὢὣὤὥὦὧὰὲὴὶὸὺὼᾰᾱῐῑῠῡῥⅎↄⰰⰱⰲⰳⰴⰵⰶⰷⰸⰹⰺⰻⰼⰽⰾⰿⱀⱁⱂⱃⱄⱅ'
      'ⱆⱇⱈⱉⱊⱋⱌⱍⱎⱏⱐⱑⱒⱓⱔⱕⱖⱗⱘⱙⱚⱛⱜⱝⱞⱟⱡⱥⱦⱨⱪⱬⱳⱶⲁⲃⲅⲇⲉⲋⲍⲏⲑⲓⲕⲗⲙⲛⲝⲟⲡⲣⲥⲧⲩⲫⲭⲯⲱⲳⲵⲷⲹⲻⲽⲿⳁⳃⳅⳇⳉⳋⳍⳏⳑⳓⳕⳗⳙⳛⳝⳟⳡⳣⳬⳮⳳⴀⴁⴂⴃⴄⴅⴆⴇⴈⴉⴊⴋⴌⴍⴎⴏⴐⴑⴒⴓⴔⴕⴖⴗⴘⴙⴚⴛⴜⴝⴞⴟⴠ'
      'ⴡⴢⴣⴤⴥⴧⴭꙁꙃꙅꙇꙉꙋꙍꙏꙑꙓꙕꙗꙙꙛꙝꙟꙡꙣꙥꙧꙩꙫꙭꚁꚃꚅꚇꚉꚋꚍꚏꚑꚓꚕꚗꚙꚛꜣꜥꜧꜩꜫꜭꜯꜳꜵꜷꜹꜻꜽꜿꝁꝃꝅꝇꝉꝋꝍꝏꝑꝓꝕꝗꝙꝛꝝꝟꝡꝣꝥꝧꝩꝫꝭꝯꝺꝼꝿꞁꞃꞅꞇꞌꞑꞓꞔꞗꞙꞛꞝꞟꞡꞣꞥꞧꞩꞵꞷꞹꞻꞽꞿꟁꟃꟈꟊꟍ꟏ꟑꟓꟕꟗꟙ'
      'ꟛꟶꭓꭰꭱꭲꭳꭴꭵꭶꭷꭸꭹꭺꭻꭼꭽꭾꭿꮀꮁꮂꮃꮄꮅꮆꮇꮈꮉꮊꮋꮌꮍꮎꮏꮐꮑꮒꮓꮔꮕꮖꮗꮘꮙꮚꮛꮜꮝꮞꮟꮠꮡꮢꮣꮤꮥꮦꮧꮨꮩꮪꮫꮬꮭꮮꮯꮰꮱꮲꮳꮴꮵꮶꮷꮸꮹꮺꮻꮼꮽꮾꮿａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ',
      'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞŸĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮĲĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŹŻŽɃƂƄƇƋƑǶƘȽꟜȠƠƢƤƧƬƯƳƵƸƼǷǄǇǊǍǏǑ'
      'ǓǕǗǙǛƎǞǠǢǤǦǨǪǬǮǱǴǸǺǼǾȀȂȄȆȈȊȌȎȐȒȔȖȘȚȜȞȢȤȦȨȪȬȮȰȲȻⱾⱿɁɆɈɊɌɎⱯⱭⱰƁƆƉƊƏƐꞫƓꞬƔꟋꞍꞪƗƖꞮⱢꞭƜⱮƝƟⱤƦꟅƩꞱƮɄƱƲɅƷꞲꞰͰͲͶϽϾϿΆΈΉΊΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ'
      'ΣΤΥΦΧΨΩΪΫΌΎΏϏϘϚϜϞϠϢϤϦϨϪϬϮϹͿϷϺАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯЀЁЂЃЄЅІЇЈЉЊЋЌЍЎЏѠѢѤѦѨѪѬѮѰѲѴѶѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼ'
      'ҾӁӃӅӇӉӋӍӀӐӒӔӖӘӚӜӞӠӢӤӦӨӪӬӮӰӲӴӶӸӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨ'
      'ᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿᏰᏱᏲᏳᏴᏵᲉꝽⱣꟆḀḂḄḆḈḊḌḎḐḒḔḖḘḚḜḞḠḢḤḦḨḪḬḮḰḲḴḶḸḺḼḾṀṂṄṆṈṊṌṎṐṒṔṖṘṚṜṞṠṢṤṦṨṪṬṮṰṲṴṶṸṺṼṾẀẂẄẆẈẊẌẎẐẒẔẠẢẤẦẨẪẬẮẰẲẴẶẸẺ'
      'ẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸỺỼỾἈἉἊἋἌἍἎἏἘἙἚἛἜἝἨἩἪἫἬἭἮἯἸἹἺἻἼἽἾἿὈὉὊὋὌὍὙὛὝὟὨὩὪὫὬὭὮὯᾺῈῊῚῸῪῺᾸᾹῘῙῨῩῬℲↃⰀⰁⰂⰃⰄⰅⰆⰇⰈⰉⰊⰋⰌⰍⰎⰏⰐⰑⰒⰓⰔⰕ'
      'ⰖⰗⰘⰙⰚⰛⰜⰝⰞⰟⰠⰡⰢⰣⰤⰥⰦⰧⰨⰩⰪⰫⰬⰭⰮⰯⱠȺȾⱧⱩⱫⱲⱵⲀⲂⲄⲆⲈⲊⲌⲎⲐⲒⲔⲖⲘⲚⲜⲞⲠⲢⲤⲦⲨⲪⲬⲮⲰⲲⲴⲶⲸⲺⲼⲾⳀⳂⳄⳆⳈⳊⳌⳎⳐⳒⳔⳖⳘⳚⳜⳞⳠⳢⳫⳭⳲႠႡႢႣႤႥႦႧႨႩႪႫႬႭႮႯႰႱႲႳႴႵႶႷႸႹႺႻႼႽႾႿჀ'
      'ჁჂჃჄჅჇჍꙀꙂꙄꙆꙈꙊꙌꙎꙐꙒꙔꙖꙘꙚꙜꙞꙠꙢꙤꙦꙨꙪꙬꚀꚂꚄꚆꚈꚊꚌꚎꚐꚒꚔꚖꚘꚚꜢꜤꜦꜨꜪꜬꜮꜲꜴꜶꜸꜺꜼꜾꝀꝂꝄꝆꝈꝊꝌꝎꝐꝒꝔꝖꝘꝚꝜꝞꝠꝢꝤꝦꝨꝪꝬꝮꝹꝻꝾꞀꞂꞄꞆꞋꞐꞒꟄꞖꞘꞚꞜꞞꞠꞢꞤꞦꞨꞴꞶꞸꞺꞼꞾꟀꟂꟇꟉꟌ꟎Ꟑ꟒꟔ꟖꟘ'
      'ꟚꟵꞳᎠᎡᎢᎣᎤᎥᎦᎧᎨᎩᎪᎫᎬᎭᎮᎯᎰᎱᎲᎳᎴᎵᎶᎷᎸᎹᎺᎻᎼᎽᎾᎿᏀᏁᏂᏃᏄᏅᏆᏇᏈᏉᏊᏋᏌᏍᏎᏏᏐᏑᏒᏓᏔᏕᏖᏗᏘᏙᏚᏛᏜᏝᏞᏟᏠᏡᏢᏣᏤᏥᏦᏧᏨᏩᏪᏫᏬᏭᏮᏯＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ')
  END
$$;

-- Returns a UUID of version 7 (RFC 9562): 48 bits of milliseconds since 1970, then random bits. Such keys grow with time, so a
-- checkout writes to the last page of each index, and not to a random page that is not in memory. PostgreSQL itself has uuidv7()
-- only since version 18. date_part returns a float, and extract a numeric, which takes twice as long.
CREATE OR REPLACE FUNCTION public.billing_time_uuid() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(set_bit(set_bit(overlay(
           uuid_send(gen_random_uuid()) PLACING substring(int8send((date_part('epoch', clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6
         ), 52, 1), 53, 1), 'hex')::uuid
$$;

ALTER TABLE public.customers
  ALTER COLUMN id SET DEFAULT public.billing_time_uuid(), ALTER COLUMN created_at SET DEFAULT now(),
  ADD CONSTRAINT customers_user_id_key UNIQUE (user_id),
  ADD CONSTRAINT customers_stripe_customer_id_key UNIQUE (stripe_customer_id),
  -- The sum of the customer's ledger, in baisa. The balance never falls below the floor. The floor is 0, or less while the customer
  -- has a debt: an adopted one, or one that came with an undone redemption.
  ADD COLUMN balance_baisa bigint NOT NULL DEFAULT 0,
  ADD COLUMN balance_floor_baisa bigint NOT NULL DEFAULT 0;
ALTER TABLE public.subscriptions
  ALTER COLUMN id SET DEFAULT public.billing_time_uuid(), ALTER COLUMN status SET DEFAULT 'active',
  ALTER COLUMN created_at SET DEFAULT now(), ALTER COLUMN updated_at SET DEFAULT now(),
  ADD CONSTRAINT subscriptions_stripe_subscription_id_key UNIQUE (stripe_subscription_id),
  ADD CONSTRAINT subscriptions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID,
  ADD COLUMN order_id uuid,
  ADD COLUMN price_baisa bigint,
  -- When Stripe created the event that the row shows. Events arrive in any order, and the latest one counts.
  ADD COLUMN stripe_event_at timestamptz,
  -- The tenant was deleted, and the sweeper still has to cancel this subscription at Stripe.
  ADD COLUMN cancel_due boolean NOT NULL DEFAULT false;
ALTER TABLE public.orders
  ALTER COLUMN id SET DEFAULT public.billing_time_uuid(), ALTER COLUMN apps SET DEFAULT '[]', ALTER COLUMN addons SET DEFAULT '[]',
  ALTER COLUMN amount_baisa SET DEFAULT 0, ALTER COLUMN status SET DEFAULT 'pending', ALTER COLUMN created_at SET DEFAULT now(),
  ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID,
  -- The part of the amount that credit paid. Null on adopted orders: the earlier service did not store it.
  ADD COLUMN credit_spent_baisa bigint,
  -- The part that the card has to pay. Null if credit covers the order.
  ADD COLUMN card_baisa bigint,
  ADD COLUMN session_url text,
  ADD COLUMN session_expires_at timestamptz,
  -- When the sweeper next reads the session of a pending order from Stripe. Null: a minute after the session expires. Each
  -- read postpones this time, so a session that never ends does not delay the others.
  ADD COLUMN session_look_at timestamptz,
  -- When the session was last read from Stripe for a request of the customer.
  ADD COLUMN session_asked_at timestamptz,
  -- The request to Stripe, as {key, parameters}. It is stored before it is first sent, so that a repeated request is the
  -- same one, even when an address, an account or a setting has changed meanwhile.
  ADD COLUMN session_request jsonb,
  -- The customer canceled the order. Its session may still be open, and a payment still counts.
  ADD COLUMN cancel_requested boolean NOT NULL DEFAULT false,
  -- The tenant service named the customer as a member of the tenant, which belongs to another customer.
  ADD COLUMN tenant_member boolean NOT NULL DEFAULT false,
  -- Stripe's customer who paid, until its metadata has the origin of the charge.
  ADD COLUMN stripe_customer_due text,
  ADD COLUMN adopted boolean NOT NULL DEFAULT true;
ALTER TABLE public.invoices
  ALTER COLUMN id SET DEFAULT gen_random_uuid(), ALTER COLUMN currency SET DEFAULT 'omr',
  ALTER COLUMN status SET DEFAULT 'draft', ALTER COLUMN created_at SET DEFAULT now(),
  -- The order that the invoice names. Null: Stripe runs a subscription of the earlier service.
  ADD COLUMN order_id uuid,
  -- The invoice's subscription. The invoice may arrive before the event that shows the subscription's order.
  ADD COLUMN stripe_subscription_id text,
  ADD COLUMN paid_at timestamptz,
  ADD CONSTRAINT invoices_stripe_invoice_id_key UNIQUE (stripe_invoice_id),
  ADD CONSTRAINT invoices_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID;
ALTER TABLE public.stripe_webhook_events
  ALTER COLUMN processed_at SET DEFAULT now(), ALTER COLUMN status SET DEFAULT 'processed';
ALTER TABLE public.settings
  ALTER COLUMN id SET DEFAULT 1, ALTER COLUMN stripe_secret_key SET DEFAULT '', ALTER COLUMN stripe_webhook_secret SET DEFAULT '',
  ALTER COLUMN stripe_public_key SET DEFAULT '', ALTER COLUMN updated_at SET DEFAULT now();
ALTER TABLE public.promo_codes
  ALTER COLUMN description SET DEFAULT '', ALTER COLUMN active SET DEFAULT true, ALTER COLUMN max_redemptions SET DEFAULT 0,
  ALTER COLUMN times_redeemed SET DEFAULT 0, ALTER COLUMN created_at SET DEFAULT now(),
  ADD COLUMN starts_at timestamptz,
  ADD COLUMN expires_at timestamptz,
  -- `issuer:subject` of the token that issued the code last. Null on adopted codes.
  ADD COLUMN issued_by text,
  ADD COLUMN adopted boolean NOT NULL DEFAULT true,
  -- The counter of an adopted code minus its redemptions, on the day of adoption.
  ADD COLUMN adopted_excess bigint NOT NULL DEFAULT 0;
ALTER TABLE public.credit_ledger
  ALTER COLUMN id SET DEFAULT public.billing_time_uuid(), ALTER COLUMN created_at SET DEFAULT now(), ALTER COLUMN status SET DEFAULT 'active',
  ADD CONSTRAINT credit_ledger_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID,
  -- The exact amount. amount_omr keeps its whole OMR for older readers. Null on adopted rows, where amount_omr is exact: one
  -- multiplication does not justify rewriting a table of a million rows.
  ADD COLUMN amount_baisa bigint,
  ADD COLUMN kind text,
  ADD COLUMN promo_code text,
  ADD COLUMN adopted boolean NOT NULL DEFAULT true;
ALTER TABLE public.promo_redemptions
  ALTER COLUMN created_at SET DEFAULT now(),
  ADD CONSTRAINT promo_redemptions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers (id) NOT VALID,
  ADD CONSTRAINT promo_redemptions_code_fkey FOREIGN KEY (code) REFERENCES public.promo_codes (code) NOT VALID,
  -- The credit that this redemption granted, whatever the voucher is worth later. Null on adopted redemptions.
  ADD COLUMN amount_baisa bigint,
  ADD COLUMN order_id uuid,
  ADD COLUMN issued_by text,
  ADD COLUMN adopted boolean NOT NULL DEFAULT true;

-- Existing rows keep the default `adopted = true` of the columns above, and new rows get false. No row is written.
ALTER TABLE public.orders ALTER COLUMN adopted SET DEFAULT false;
ALTER TABLE public.promo_codes ALTER COLUMN adopted SET DEFAULT false;
ALTER TABLE public.credit_ledger ALTER COLUMN adopted SET DEFAULT false;
ALTER TABLE public.promo_redemptions ALTER COLUMN adopted SET DEFAULT false;

-- These constraints refuse new rows, also those of the earlier service while it still runs. NOT VALID: old rows are not checked.
ALTER TABLE public.customers
  ADD CONSTRAINT customers_identity_check CHECK (user_id IS NOT NULL AND tenant_id IS NOT NULL AND email IS NOT NULL) NOT VALID,
  ADD CONSTRAINT customers_balance_check CHECK (balance_baisa >= balance_floor_baisa AND balance_baisa <= 9007199254740991) NOT VALID,
  ADD CONSTRAINT customers_balance_floor_check CHECK (balance_floor_baisa <= 0) NOT VALID;
ALTER TABLE public.promo_codes
  ADD CONSTRAINT promo_codes_shape_check CHECK (adopted OR (
    code COLLATE "C" ~ '^[A-Z0-9][A-Z0-9_-]{2,63}$' AND credit_omr IS NOT NULL AND credit_omr > 0
    AND description IS NOT NULL AND active IS NOT NULL AND created_at IS NOT NULL
    AND max_redemptions IS NOT NULL AND max_redemptions >= 0 AND times_redeemed IS NOT NULL AND times_redeemed >= 0)) NOT VALID,
  ADD CONSTRAINT promo_codes_dates_check CHECK (starts_at < expires_at) NOT VALID;
ALTER TABLE public.promo_redemptions
  ADD CONSTRAINT promo_redemptions_grant_check CHECK (adopted OR (
    amount_baisa IS NOT NULL AND amount_baisa > 0 AND order_id IS NOT NULL)) NOT VALID,
  ADD CONSTRAINT promo_redemptions_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (id) NOT VALID;
-- The ledger is append-only: an entry is never changed, and a later entry takes it back.
--   grant    a redemption gives credit              undo  takes that credit back, because the redemption is undone
--   spend    an order reserves or uses credit       release  gives that credit back
--   surplus  the card paid more than was due: rounding, or a payment for an order that had already ended
ALTER TABLE public.credit_ledger
  ADD CONSTRAINT credit_ledger_entry_check CHECK (adopted OR (
    customer_id IS NOT NULL AND amount_baisa IS NOT NULL AND amount_baisa <> 0 AND amount_omr = amount_baisa / 1000
    AND order_id IS NOT NULL
    AND ((kind = 'grant' AND amount_baisa > 0 AND promo_code IS NOT NULL)
      OR (kind = 'undo' AND amount_baisa < 0 AND promo_code IS NOT NULL)
      OR (kind = 'spend' AND amount_baisa < 0) OR (kind IN ('release', 'surplus') AND amount_baisa > 0))
  )) NOT VALID;
-- orders.status  pending → paid | expired (the session ran out: the credit is given back, the voucher stays redeemed)
--                        | failed (no session was created, and what it held is released)
--                        | canceled (the customer canceled it, and what it held is released)
--                credited: a payment became credit, because the order had already ended, the payment was too small, or the tenant
--                belonged to another customer by then
ALTER TABLE public.orders
  ADD CONSTRAINT orders_amount_check CHECK (adopted OR (
    customer_id IS NOT NULL AND amount_baisa >= 0 AND amount_omr = amount_baisa / 1000
    AND credit_spent_baisa IS NOT NULL AND credit_spent_baisa BETWEEN 0 AND amount_baisa)
  ) NOT VALID,
  ADD CONSTRAINT orders_card_check CHECK (card_baisa > 0) NOT VALID;
ALTER TABLE public.subscriptions
  ADD CONSTRAINT subscriptions_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (id) NOT VALID,
  ADD CONSTRAINT subscriptions_price_check CHECK (price_baisa >= 0) NOT VALID;

-- A tenant belongs to the customer who first paid for it.
CREATE TABLE public.tenants (
  tenant_id text PRIMARY KEY,
  customer_id uuid NOT NULL REFERENCES public.customers (id),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE public.idempotency_records (
  user_id text NOT NULL,
  key text NOT NULL,
  request_hash text NOT NULL,
  answer json NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, key)
);
-- One row for each event and each sink that must receive it.
CREATE TABLE public.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id uuid NOT NULL,
  sink text NOT NULL,
  type text NOT NULL,
  tenant_id text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  attempts int NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL DEFAULT now(),
  last_error text,
  delivered_at timestamptz
);
-- One row for each change of a voucher, in the order of the commits. The triggers below set `id`, which has no gaps, the time, and the
-- digests: each row has the digest of the one before.
CREATE TABLE public.voucher_audit (
  id bigint PRIMARY KEY,
  code text NOT NULL,
  action text NOT NULL,
  -- `issuer:subject` in one text, as readers of adopted data expect it.
  actor text NOT NULL,
  at timestamptz NOT NULL,
  before jsonb,
  after jsonb,
  issuer text,
  subject text,
  -- The token's `jti`, or `sha256:…` of a token without one.
  token_id text,
  token_issued_at timestamptz,
  -- The bulk issue to which the row belongs.
  batch uuid,
  previous_digest text NOT NULL,
  digest text NOT NULL
);
-- The end of the chain, which reveals a deletion of the last rows of voucher_audit.
CREATE TABLE public.voucher_audit_head (
  id int PRIMARY KEY CHECK (id = 1),
  last_id bigint NOT NULL,
  digest text NOT NULL
);
INSERT INTO public.voucher_audit_head (id, last_id, digest) VALUES (1, 0, '');
-- The Sovereign that the database belongs to: one row, or none before a migration that names its Sovereign.
CREATE TABLE public.sovereign_identity (
  id int PRIMARY KEY DEFAULT 1 CHECK (id = 1),
  fqdn text NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT now()
);
-- Refunds to cards. The rows of a charge add up to the refunded total that Stripe reports.
CREATE TABLE public.card_refunds (
  -- <charge>/<its total after the refund>/<number of the row>, or the id of a failed refund, whose amount is below 0.
  id text PRIMARY KEY,
  stripe_charge_id text NOT NULL,
  -- Null: the charge names no order, because it pays for a subscription that Stripe runs.
  order_id uuid,
  -- Null, as is order_id: the charge was unknown when its refund failed. It may be another service's, so the row counts
  -- only beside another row of the charge.
  customer_id uuid,
  amount_baisa bigint NOT NULL,
  refunded_at timestamptz NOT NULL
);
-- One row for each incoming event that was handled, written in the transaction of its effects.
CREATE TABLE public.handled_events (
  topic text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  tenant_id text NOT NULL,
  -- How many rows of each kind the event changed.
  effects jsonb NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic, event_id)
);
-- States of subscriptions at Stripe whose event arrived before the session that opened them was complete.
CREATE TABLE public.stripe_subscription_states (
  stripe_subscription_id text PRIMARY KEY,
  status text NOT NULL,
  current_period_start timestamptz,
  current_period_end timestamptz,
  -- When Stripe created the event that the row shows.
  said_at timestamptz,
  recorded_at timestamptz NOT NULL DEFAULT now()
);
-- Findings of the adoption of the earlier service's tables.
CREATE TABLE public.adoption_findings (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL,
  row_count bigint NOT NULL,
  samples jsonb NOT NULL,
  remedy text NOT NULL,
  found_at timestamptz NOT NULL DEFAULT now()
);

-- The functions of the audit chain. Each is the text of src/billing/db/function/<name>.sql.

-- The digest of an audit row: SHA-256 over a JSON array of all its other members, the digest of the row before among them.
CREATE OR REPLACE FUNCTION public.billing_audit_digest(entry public.voucher_audit) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT 'sha256:' || encode(sha256(convert_to(jsonb_build_array(
           entry.id, entry.previous_digest, entry.code, entry.action, entry.actor,
           to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), entry.before, entry.after,
           entry.issuer, entry.subject, entry.token_id,
           to_char(entry.token_issued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), entry.batch)::text, 'UTF8')), 'hex')
$$;

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

-- The trigger function that keeps voucher_audit append-only, and its head unwritten except by billing_chain_audit.
CREATE OR REPLACE FUNCTION public.billing_refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'voucher_audit is append-only: change the voucher, and the change appends a row' USING ERRCODE = 'CB004';
END $$;

-- The terms of a voucher, as the `after` of an audit row has them. Times have milliseconds, as in the API. `created_at` is left out:
-- it changes nothing that a voucher is worth.
CREATE OR REPLACE FUNCTION public.billing_voucher_record(voucher public.promo_codes) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object(
    'code', voucher.code, 'credit_omr', coalesce(voucher.credit_omr, 0), 'description', coalesce(voucher.description, ''),
    'active', coalesce(voucher.active, false), 'max_redemptions', coalesce(voucher.max_redemptions, 0),
    'deleted_at', to_char(voucher.deleted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'starts_at', to_char(voucher.starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'expires_at', to_char(voucher.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
$$;

CREATE TRIGGER voucher_audit_lock BEFORE INSERT
  ON public.voucher_audit FOR EACH STATEMENT EXECUTE FUNCTION public.billing_chain_audit();
CREATE TRIGGER voucher_audit_chain BEFORE INSERT
  ON public.voucher_audit FOR EACH ROW EXECUTE FUNCTION public.billing_chain_audit();
CREATE TRIGGER voucher_audit_end AFTER INSERT
  ON public.voucher_audit FOR EACH STATEMENT EXECUTE FUNCTION public.billing_chain_audit();
CREATE TRIGGER voucher_audit_append_only BEFORE UPDATE OR DELETE
  ON public.voucher_audit FOR EACH ROW EXECUTE FUNCTION public.billing_refuse_audit_change();
CREATE TRIGGER voucher_audit_not_emptied BEFORE TRUNCATE
  ON public.voucher_audit FOR EACH STATEMENT EXECUTE FUNCTION public.billing_refuse_audit_change();
CREATE TRIGGER voucher_audit_head_fixed BEFORE INSERT OR UPDATE OR DELETE
  ON public.voucher_audit_head FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.billing_refuse_audit_change();
CREATE TRIGGER voucher_audit_head_not_emptied BEFORE TRUNCATE
  ON public.voucher_audit_head FOR EACH STATEMENT EXECUTE FUNCTION public.billing_refuse_audit_change();
