-- Moves the head of the archive to a page that is written, only where nobody else has moved it since it was made.
--
-- KEYS[1]  `{…}:archive`, a hash: `pages`, `last` entry that is in one, `digest` of the last page, `first` page that is kept,
--          `entries` and `bytes` of the last page
-- ARGV     how many pages there were, the digest of the new one, its last entry, how many entries it has and how many
--          bytes they are, the key that says whether the data is frozen
-- Answer   one field, as `<length>:<bytes>`: `moved`, `overtaken` or `frozen`.

local pages = ARGV[1]
if redis.call('EXISTS', ARGV[6]) == 1 then
  return '6:frozen'
end
if (redis.call('HGET', KEYS[1], 'pages') or '0') ~= pages then
  return '9:overtaken'
end
redis.call('HSET', KEYS[1], 'pages', string.format('%.0f', tonumber(pages) + 1), 'digest', ARGV[2], 'last', ARGV[3],
  'entries', ARGV[4], 'bytes', ARGV[5])
return '5:moved'
