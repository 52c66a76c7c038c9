import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What is asked of every design, about pages (s390-pv §6.1).
extension ProtectedVM {
  static let cleansPage = "cleans a page"
  static let disableEnds = "DISABLE returns 0"

  @ListBuilder<Property> var pageProperties: [Property] {
    Always(
      "SI-1", "an mm that maps secure pages is protected", cites: "s390-pv SI-1"
    ) {
      forAll(Page.self) { p in
        place[p] == .mapped && uv.security[p] != .open ==> count > 0
      }
    }
    Always(
      "SI-2", "no page is somebody else's while it is secure", cites: "s390-pv SI-2",
      "s390-pv MP-2"
    ) {
      forAll(Page.self) { p in place[p] == .away ==> uv.security[p] == .open }
    }
    Always(
      "SI-3", "a page that is secure belongs to one configuration, and to one that is there",
      cites: "s390-pv SI-3"
    ) {
      forAll(Page.self) { p in
        uv.security[p] == .secure
          ==> exists(Config.self) { h in uv.owner[p] == h && uv.live[h] }
      }
    }
    Always(
      "SI-12", "PG_arch_1 is set on every page that the host cannot access",
      cites: "s390-pv SI-12"
    ) {
      forAll(Page.self) { p in place[p] == .mapped && uv.isSecret(p) ==> flagged[p] }
    }
    Always(
      "SI-21", "the guest's tables have every page that is secure", cites: "s390-pv SI-21"
    ) {
      forAll(Page.self) { p in place[p] == .mapped && uv.isSecret(p) ==> entry[p] }
    }
  }

  /// - Parameters:
  ///   - leavesNone: where a design never leaves a configuration to be cleaned up later.
  ///   - leavesCPUs: where it can leave one that has a CPU.
  @ListBuilder<Property>
  func configProperties(
    leavesNone: Condition = Condition(.no), leavesCPUs: Condition = Condition(.no)
  ) -> [Property] {
    Always(
      "SI-6", "memory comes back from the Ultravisor only when it has let go of it",
      cites: "s390-pv SI-6"
    ) { forAll(Config.self) { h in uv.live[h] ==> donated[h] } }
    Always(
      "SI-15", "the count is that of the configurations that the host has to do with",
      cites: "s390-pv SI-15"
    ) {
      isCounted && !between(Ultravisor.createConfig, Self.counts)
        ==> those(Config.self) { h in held[h] != .none }.count() + choose(transient, 1, else: 0)
        + choose(keptCount, 1, else: 0) == count
    }
    Always(
      "SI-8", "no table that a configuration designates is used for another, or freed",
      cites: "s390-pv SI-8"
    ) {
      forAll(Config.self) { h in
        table == h && uv.live[h] ==> handle == h && vm != .gone
      }
    }
    .expect(
      .violated, when: uv.faults == 1 && pressure == 1,
      because: """
        the last chance to destroy it fails, and there is no memory for another table: that is \
        two failures at once, and unconfirmed (s390-pv §3.2)
        """
    )
    .expect(
      .violated, when: uv.faults == 1 && !replacesTables,
      because: """
        a segment table is not replaced: when the configuration is not destroyed it stays in use \
        and is freed with the VM; unconfirmed (s390-pv §1.9)
        """)
    Always(
      "SI-17", "only the guest of the VM has CPUs", cites: "s390-pv SI-17", "s390-pv §2.5"
    ) { forAll(Config.self) { h in held[h].in(.aside, .cleaned, .waiting) ==> !uv.hasCPUs(h) } }
    .expect(.vacuous, when: leavesNone, because: "no guest is left behind")
    .expect(
      .violated, when: leavesCPUs,
      because: """
        a CPU that could not be destroyed is forgotten by KVM: the next attempt finds none and \
        leaves the guest behind with it; unconfirmed (s390-pv §1.9)
        """)
    Always(
      "SI-25", "a configuration goes after its CPUs", cites: "s390-pv SI-25"
    ) { forAll(Config.self) { h in uv.hasCPUs(h) ==> uv.live[h] } }
    Always(
      "SI-29", "what is lost is lost because a call of the Ultravisor failed",
      cites: "s390-pv SI-29"
    ) { forAll(Config.self) { h in held[h] == .lost ==> uv.failure == .spent } }
    .expect(.vacuous, when: uv.faults == 0, because: "no call fails")
  }

  static var scopes: [Scope] {
    [
      Scope(
        "small", "two generations, a page, a vCPU, two threads",
        ["generations": 2, "pages": 1, "vcpus": 1, "threads": 2]),
      Scope(
        "failing", "the same, a call of the Ultravisor may fail, no allocation does",
        ["generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "FAULTS": 1, "PRESSURE": 0]),
      Scope(
        "shared", "the same, the guest shares pages",
        ["generations": 2, "pages": 2, "vcpus": 1, "threads": 2, "SHARE": 1]),
      Scope(
        "memslots", "the same, memslots change",
        ["generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "MEMSLOTS": 1]),
      Scope(
        "foreign", "another process closes the VM while the mm goes",
        ["generations": 2, "pages": 1, "vcpus": 1, "threads": 2, "FOREIGN": 1]),
      Scope(
        "decided", "two generations, three pages, two vCPUs, two threads, one failure",
        ["generations": 2, "pages": 3, "vcpus": 2, "threads": 2, "FAULTS": 1]),
    ]
  }
}
