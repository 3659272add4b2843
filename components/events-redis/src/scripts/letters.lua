-- Dead letters, newest first.
-- KEYS: dead. ARGV: from, to, how many. Answer: letter, group, cause, stream, entry, deliveries, trace, payload, …
local answer = {}
for _, letter in ipairs(redis.call('XREVRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])) do
  local fields = {}
  for place = 1, #letter[2], 2 do
    fields[letter[2][place]] = letter[2][place + 1]
  end
  answer[#answer + 1] = letter[1]
  for _, name in ipairs({ 'group', 'cause', 'stream', 'entry', 'deliveries', 'trace', 'event' }) do
    answer[#answer + 1] = fields[name] or ''
  end
end
return answer
