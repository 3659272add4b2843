-- Makes the data in two steps, between which the caller writes its mark into the key-value store: only data that was
-- never open may be made again, so a loss of Redis can never be taken for a first start.
--
-- KEYS[1]  `{<context>/<partition>}:epoch`
-- ARGV     the step (`begin` or `open`), the layout `<epoch>/<partitions>`
-- Answer   the value of the key afterwards: `creating <layout>` or `<layout>`.

local step, layout = ARGV[1], ARGV[2]
if step == 'begin' then
  redis.call('SET', KEYS[1], 'creating ' .. layout, 'NX')
elseif redis.call('GET', KEYS[1]) == 'creating ' .. layout then
  redis.call('SET', KEYS[1], layout)
end
return redis.call('GET', KEYS[1]) or ''
