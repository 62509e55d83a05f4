-- One POST of five events, as the tag sends them through a proxy; no two have the same page load.
local site, origin = "bench", "http://127.0.0.1:8081"
local agents = {
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
}
local referrers = { "", "https://www.google.com/", "https://example.org/list?page=2", origin .. "/" }
local sent = 0
local run = ""

function init(args)
  run = args[1]
  local pause_ms = tonumber(args[2])
  if pause_ms > 0 then
    -- A pause before each request, random, so that connections do not march in step.
    delay = function()
      return math.random(0, 2 * pause_ms)
    end
  end
end

function request()
  sent = sent + 1
  local url = string.format("%s/catalogue/%d/item-%d?ref=list", origin, sent % 97, sent % 30011)
  local body = string.format(
    '{"site":"%s","page_load_id":"%s%08x","language":"uk-UA","screen":[1920,1080],"viewport":[1280,720],"events":['
      .. '{"type":"page_view","seq":0,"age_ms":21,"url":"%s","referrer":"%s","title":"An item of the catalogue"},'
      .. '{"type":"click","seq":1,"age_ms":14,"url":"%s","target_role":"link","target_label":"Details","x_permille":%d,"y_permille":%d},'
      .. '{"type":"engagement","seq":2,"age_ms":9,"url":"%s","engaged_ms":10000},'
      .. '{"type":"click","seq":3,"age_ms":5,"url":"%s","target_role":"button","target_label":"Add to cart","x_permille":%d,"y_permille":612},'
      .. '{"type":"page_end","seq":4,"age_ms":0,"url":"%s","engaged_ms":%d,"scroll_permille":830}]}',
    site, run, sent, url, referrers[sent % 4 + 1], url, sent % 1000, sent % 887, url, url, sent % 613, url, sent % 9001)
  return wrk.format("POST", "/v1/events", {
    ["Content-Type"] = "text/plain;charset=UTF-8",
    ["Origin"] = origin,
    ["User-Agent"] = agents[sent % 5 + 1],
    ["X-Forwarded-For"] = string.format("176.36.%d.%d", sent % 199, sent % 251),
  }, body)
end
