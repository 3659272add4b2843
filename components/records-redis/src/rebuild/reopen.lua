-- Opens rebuilt data: from this instant on commits are taken again.
--
-- KEYS[1]  `{…}:epoch`
-- ARGV     the prefix, the new layout `<epoch>/<partitions>`, the least commits that there are, then fields of the archive
-- Answer   fields, each as `<length>:<bytes>`: `open` and the layout that there is.

local prefix, layout = ARGV[1], ARGV[2]
if redis.call('SET', KEYS[1], layout, 'NX') then
  local commits = math.max(tonumber(redis.call('GET', prefix .. 'commits') or '0'), tonumber(ARGV[3]))
  redis.call('SET', prefix .. 'commits', string.format('%.0f', commits))
  redis.call('DEL', prefix .. 'archive')
  redis.call('HSET', prefix .. 'archive', unpack(ARGV, 4))
  redis.call('DEL', prefix .. 'frozen')
end
layout = redis.call('GET', KEYS[1])
return '4:open' .. #layout .. ':' .. layout
