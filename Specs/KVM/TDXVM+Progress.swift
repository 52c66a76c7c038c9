import SpecLanguage
import TDXModuleSpecs

/// What happens in the end, in a scope that is small enough for infinite runs.
extension TDXVM {
  /// The roots of all vCPUs' page tables are invalidated, once. What of user space's doing leads to
  /// that on a TD is not told by the facts (unsure).
  var rootsBecomeObsolete: Action {
    Action("the MMU's roots are invalidated", cites: "kvm-tdx B-3") {
      Require(roots == 1)
      Require(!rootsWereZapped)
      rootsWereZapped <- true
      Each(VCPU.self) { w in rootObsolete[w] <- rootLoaded[w] }
    }
  }

  @ListBuilder<Property>
  var progress: [Property] {
    LeadsTo(
      "L-4", "a KVM_PRE_FAULT_MEMORY that has begun ends, though a root becomes obsolete",
      cites: "kvm-tdx L-4", fairness: [.strong(threadsOf: HostThread.self)]
    ) {
      roots == 1 && inside("KVM_PRE_FAULT_MEMORY")
    } then: {
      !inside("KVM_PRE_FAULT_MEMORY")
    }
    .expect(.vacuous, when: roots == 0, because: "asked where ROOTS is 1: it needs the full graph")
  }
}
