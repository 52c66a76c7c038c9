import SpecLanguage

/// The benchmark model with claims about what happens in the end, compared with Spin's answers
/// by `tools/liveness-against-spin` (Benchmarks/tdx-live.pml has the same claims in LTL).
///
/// Fairness is for each instance of an action: for each vCPU, page or LP on its own.
public struct TDXTeardownLive: Spec {
  public static let name = "bench/tdx-teardown-live"
  public let summary = "benchmark: the same model, and six claims about what happens in the end"

  let model = TDXTeardown()

  public init() {}

  public var actions: [Action] { model.actions }

  public var properties: [Property] {
    LeadsTo(
      "B1", "an HKID whose vCPUs are flushed is freed",
      fairness: [.weak("CacheWb"), .weak("FreeId")]
    ) {
      model.hkid == .flushed
    } then: {
      model.hkid == .free
    }
    LeadsTo(
      "B2", "a blocked page is tracked or its TD torn down, even if vCPUs stay in the guest",
      each: TDXTeardown.Page.self, fairness: [.weak("Track")]
    ) { p in
      model.sept[p] == .blocked
    } then: { p in
      model.sept[p] != .blocked || model.td == .teardown
    }
    .expect(.violated, because: "a vCPU that stays in the guest since the last track stops it")
    LeadsTo(
      "B3", "a blocked page is tracked or its TD torn down, if vCPUs leave the guest now and then",
      each: TDXTeardown.Page.self, fairness: [.weak("Track"), .weak("Exit")]
    ) { p in
      model.sept[p] == .blocked
    } then: { p in
      model.sept[p] != .blocked || model.td == .teardown
    }
    LeadsTo(
      "B4", "every vCPU of a runnable TD runs again, if entering is weakly fair",
      each: TDXTeardown.VCPU.self, fairness: [.weak("Enter"), .weak("Exit")]
    ) { v in
      model.td == .runnable
    } then: { v in
      model.run[v] || model.td != .runnable
    }
    .expect(.violated, because: "another vCPU can be back on the LP whenever it is free")
    LeadsTo(
      "B5", "every vCPU of a runnable TD runs again, if entering is strongly fair",
      each: TDXTeardown.VCPU.self, fairness: [.strong("Enter"), .weak("Exit")]
    ) { v in
      model.td == .runnable
    } then: { v in
      model.run[v] || model.td != .runnable
    }
    LeadsTo(
      "B6", "a TD that is torn down is destroyed, if everything but user space is scheduled",
      fairness: [
        .weak("VpFlush"), .weak("VpFlushDone"), .weak("CacheWb"), .weak("FreeId"),
        .weak("Reclaim"), .weak("Destroy"),
      ]
    ) {
      model.td == .teardown
    } then: {
      model.td == .destroyed
    }
    .expect(.violated, because: "user space need not close its files or delete its memslots")
  }
}
