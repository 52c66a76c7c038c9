import SpecLanguage

/// The module without one of its checks.
extension TDXModule {
  @ListBuilder<Mutation> public var mutations: [Mutation] {
    Mutation(
      "no-flush-check", "TDH.MNG.VPFLUSHDONE does not look for associated vCPUs",
      caughtBy: ["S-2-vcpu"], at: "control", cites: "tdx-module §8.7"
    ) { Without(refusal: .tdx(.FLUSHVP_NOT_DONE), in: "TDH.MNG.VPFLUSHDONE") }
    Mutation(
      "no-write-back-check", "TDH.MNG.KEY.FREEID does not look for caches to be written back",
      caughtBy: ["S-2", "S-3"], at: "control", cites: "tdx-module §8.9"
    ) { Without(refusal: .tdx(.WBCACHE_NOT_COMPLETE), in: "TDH.MNG.KEY.FREEID") }
    Mutation(
      "no-epoch-check", "TDH.MEM.TRACK does not wait for the vCPUs of the epoch before",
      caughtBy: ["S24"], at: "control", cites: "tdx-module §10.12"
    ) { Without(refusal: .tdx(.PREVIOUS_TLB_EPOCH_BUSY), in: "TDH.MEM.TRACK") }
    Mutation(
      "no-children-check", "TDH.PHYMEM.PAGE.RECLAIM takes the TDR before all other pages",
      caughtBy: ["S18"], at: "control", cites: "tdx-module §11.1"
    ) { Without(refusal: .tdx(.TD_ASSOCIATED_PAGES_EXIST), in: "TDH.PHYMEM.PAGE.RECLAIM") }
    Mutation(
      "no-tdr-lock", "TDH.MNG.VPFLUSHDONE does not need the TDR for itself", caughtBy: [],
      at: "control", cites: "tdx-module §6.2"
    ) { Without(refusal: .tdx(.OPERAND_BUSY, .RCX), in: "TDH.MNG.VPFLUSHDONE") }
  }
}
