import SpecLanguage
import SpecProgram
import Explorer
import Catalogue
func go() throws {
  let a = CommandLine.arguments
  var o: [String: Int] = [:]
  for x in a.dropFirst(3) where x.contains("=") { let p = x.split(separator: "="); o[String(p[0])] = Int(p[1]) ?? 0 }
  let names = ["main": "teardown/mainline", "v4": "teardown/terminate-vm-v4", "twin": "teardown/terminate-vm-lock-first"]
  guard let d = Catalogue.entry(named: names[a.count > 2 ? a[2] : ""] ?? "bench/tdx-teardown")?.describe() else { return }
  let p = try Program(d, ResolvedScope(d, overrides: o))
  let only = o.isEmpty ? "" : ""
  _ = only
  var props = p.properties
  if let x = a.dropFirst(3).first(where: { $0.hasPrefix("only:") }) { props = props.filter { $0.property.id == x.dropFirst(5) } }
  let plan = MonitorPlan(props)
  func show<E: Engine>(_ s: Search<E>) throws {
    let r = try s.run()
    print(r.states, r.transitions, r.diameter, r.end, r.seconds, Double(r.peakBytes) / Double(r.states), s.debugWords)
    for (q, f) in zip(props, r.findings) {
      print(q.property.id, f.state.map { i in (try? s.trace(to: i))?.steps.count ?? -1 } as Any, f.hits, f.premiseSeen)
      if let i = f.state, CommandLine.arguments.contains("trace") {
        for st in try s.trace(to: i).steps { print("   ", st.label.thread as Any, d.actions[st.label.procedure].name, st.label.choice, s.nodeName(st.label), st.label.refusedBy as Any, st.label.outcome as Any) }
      }
    }
  }
  if a[1] == "tree" { try show(Search(TreeEngine(p, monitors: plan.monitors), props)) }
  else { let g = try GroundProgram(p); print("rules", g.ruleCount); try show(Search(GuardTable(g, monitors: plan.monitors), props)) }
}
do { try go() } catch { print("ERR", error) }
