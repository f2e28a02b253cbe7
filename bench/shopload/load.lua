-- What wrk asks bench/shopload for: of ten requests one report, three to ingest, one search, five logins.
local paths = {
  "/report", "/ingest", "/ingest", "/ingest", "/search", "/login", "/login", "/login", "/login", "/login",
}
local i = 0
request = function()
  i = i + 1
  return wrk.format("GET", paths[i % #paths + 1])
end
