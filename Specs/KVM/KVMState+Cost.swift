import SpecLanguage
import TDXModuleSpecs

extension KVMState {
  /// What takes time when a TD is shut down (kvm-tdx §7.4).
  @ListBuilder<CostTerm>
  private var costTerms: [CostTerm] {
    CostTerm(
      "SEAMCALLs to remove pages",
      leaves: [
        "TDH.MEM.RANGE.BLOCK", "TDH.MEM.TRACK", "TDH.MEM.PAGE.REMOVE", "TDH.PHYMEM.PAGE.WBINVD",
      ])
    CostTerm("SEAMCALLs to reclaim pages", leaves: ["TDH.PHYMEM.PAGE.RECLAIM"])
    CostTerm(
      "SEAMCALLs to release the HKID",
      leaves: [
        "TDH.VP.FLUSH", "TDH.MNG.VPFLUSHDONE", "TDH.PHYMEM.CACHE.WB", "TDH.MNG.KEY.FREEID",
      ])
    CostTerm(
      "vCPUs interrupted", step: "kicks all vCPUs and waits until they left the guest",
      each: VCPU.self)
    CostTerm(
      "SEAMCALLs under write mmu_lock",
      leaves: [
        "TDH.MEM.RANGE.BLOCK", "TDH.MEM.TRACK", "TDH.MEM.PAGE.REMOVE", "TDH.PHYMEM.PAGE.WBINVD",
        "TDH.PHYMEM.PAGE.RECLAIM", "TDH.MNG.VPFLUSHDONE", "TDH.PHYMEM.CACHE.WB",
        "TDH.MNG.KEY.FREEID",
      ], under: mmuLock)
  }

  /// The cost of a shutdown by these calls: one file, no guest running.
  package func shutdownCost(@ListBuilder<ScenarioCall> _ calls: () -> [ScenarioCall]) -> CostModel {
    CostModel(
      "shutting a finalised TD down", fixed: ["files": 1, "threads": 1], terms: { costTerms },
      calls: calls)
  }
}
