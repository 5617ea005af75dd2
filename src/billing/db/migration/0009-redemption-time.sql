-- Redemptions over time, as the administrators' page asks for them. Rows come in the order of their time, so a block range
-- index finds the last days; unlike a tree it costs a checkout nothing to speak of.
CREATE INDEX promo_redemptions_created_idx ON public.promo_redemptions USING brin (created_at) WITH (autosummarize = on);
