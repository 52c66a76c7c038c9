import SpecLanguage
import SpecProgram
import Explorer
import BenchmarkSpecs
func go() throws {
  let a = CommandLine.arguments
  var o: [String: Int] = [:]
  for x in a.dropFirst(2) { let p = x.split(separator: "="); o[String(p[0])] = Int(p[1])! }
  let d = SpecDescription(TDXTeardown())
  let p = try Program(d, ResolvedScope(d, overrides: o))
  let plan = MonitorPlan(p.properties)
  if a[1] == "tree" {
    let s = try Search(TreeEngine(p, monitors: plan.monitors), p.properties)
    let r = try s.run(); print(r.states, r.transitions, r.diameter, r.end, r.seconds, r.findings.map { ($0.state.map { i in (try? s.trace(to: i))?.steps.count ?? -1 }, $0.premiseSeen) })
  } else {
    let g = try GroundProgram(p)
    let s = try Search(GuardTable(g, monitors: plan.monitors), p.properties)
    let r = try s.run(); print(r.states, r.transitions, r.diameter, r.end, r.seconds, Double(r.peakBytes)/Double(r.states), g.ruleCount, r.findings.map { ($0.state.map { i in (try? s.trace(to: i))?.steps.count ?? -1 }, $0.premiseSeen) })
  }
}
do { try go() } catch { print("ERR", error) }
