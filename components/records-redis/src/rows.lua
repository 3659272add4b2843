-- Open rows of the journal, in the order in which they were posted.
--
-- KEYS[1]  `{…}:books`, a hash: `rows`, `at`, `pages`, `sealed`, `digest`
-- KEYS[2]  `{…}:journal`, a stream of lines: the id is `<place>-0`
-- ARGV     the place after which to start, how many
-- Answer   fields, each as `<length>:<bytes>`: how many rows there are, how many pages, how many rows are in them, the
--          digest of the last page, then the lines.

local books = redis.call('HMGET', KEYS[1], 'rows', 'pages', 'sealed', 'digest')
local fields = { books[1] or '0', books[2] or '0', books[3] or '0', books[4] or '' }
for _, row in ipairs(redis.call('XRANGE', KEYS[2], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])) do
  fields[#fields + 1] = row[2][2]
end
for i, field in ipairs(fields) do
  fields[i] = #field .. ':' .. field
end
return table.concat(fields)
