import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What a reboot costs: a guest ends, its successor begins, then what is left is cleaned up
/// (s390-pv §3.1).
extension ProtectedVM {
  /// - Parameters:
  ///   - background: the step that cleans a page while the successor runs, if there is one.
  ///   - calls: from the first guest's beginning on.
  func rebootCost(
    background: String? = nil, @ListBuilder<ScenarioCall> _ calls: () -> [ScenarioCall]
  ) -> CostModel {
    CostModel(
      "rebooting a guest", fixed: ["threads": 1, "PRESSURE": 0],
      terms: {
        CostTerm(
          "pages cleaned before it runs again", step: Self.cleansPage, each: HostThread.self)
        CostTerm(
          "pages cleaned while it runs", step: background ?? "none", each: HostThread.self)
        CostTerm("CPUs destroyed", step: Ultravisor.destroyCPU, each: HostThread.self)
        CostTerm("CPUs created", step: Ultravisor.createCPU, each: HostThread.self)
      }, calls: calls)
  }
}
