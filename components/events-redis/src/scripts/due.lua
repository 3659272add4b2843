-- Which waits are over, longest first.
-- KEYS: waits, retries. ARGV: how many. Answer: member, due, retries, member, due, retries, …
-- Nothing is taken here: who may have the entry is decided where the entry is (resume.lua).
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local rows = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'WITHSCORES', 'LIMIT', 0, ARGV[1])
local answer = {}
for place = 1, #rows, 2 do
  answer[#answer + 1] = rows[place]
  answer[#answer + 1] = rows[place + 1]
  answer[#answer + 1] = redis.call('HGET', KEYS[2], rows[place]) or '0'
end
return answer
