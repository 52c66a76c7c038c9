import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What is asked of locks, of imports, and of what is given back once (s390-pv §6.1).
extension ProtectedVM {
  /// - Parameters:
  ///   - changes: the steps that change what the VM has to do with a configuration.
  ///   - replaces: where a guest that goes on running gets another top-level table.
  @ListBuilder<Property>
  func discipline(changes: [String], replaces: Condition) -> [Property] {
    imports
    Always(
      "SI-7", "a SIDA page is there while its vCPU is a secure CPU, and is freed once",
      cites: "s390-pv SI-7"
    ) {
      !freedTwice
        && forAll(VCPU.self) { v in
          (sida[v] ==> Condition(protected[v].node)) && (protected[v] ==> Condition(sida[v].node))
        }
    }
    Always(
      "SI-9", "a configuration that can still be destroyed is there", cites: "s390-pv SI-9"
    ) {
      forAll(Config.self) { h in
        handle == h || held[h].in(.aside, .cleaned, .waiting) && donated[h] ==> uv.live[h]
      }
    }
    Always(
      "SI-18", "no two threads are about to change what the VM has to do with a configuration",
      cites: "s390-pv SI-18"
    ) {
      forAll(HostThread.self) { t in
        forAll(HostThread.self) { u in
          isAbout(t, changes) && isAbout(u, changes) ==> t == u
        }
      }
    }
    Always(
      "SI-22", "the memslots of a protected guest are those whose size ENABLE has read",
      cites: "s390-pv SI-22"
    ) { isProtected && vm == .open ==> !layoutChanged }
    .expect(
      .violated, when: memslots == 1 && threads >= 2,
      because: """
        a memslot call takes slots_lock and not kvm->lock: it may find no handle, and end after \
        ENABLE has read the size and before the handle is there; unconfirmed (s390-pv §1.8, §1.9)
        """)
    Always(
      "SI-34", "no vCPU uses a table whose memory has been given back", cites: "s390-pv SI-34"
    ) {
      forAll(VCPU.self) { v in
        forAll(Config.self) { h in plain == 1 && oldTable[v] == h ==> uv.live[h] }
      }
    }
    .expect(.vacuous, when: plain == 0, because: "vCPUs run as secure CPUs only")
    .expect(.vacuous, when: !replaces, because: "no table is replaced under a running vCPU")
  }

  static let noGracePeriod = """
    the table is replaced while kvm->lock alone is held: a vCPU that has lost its secure CPU may \
    be in SIE with the old one, and nobody waits for it before the memory goes back; unconfirmed \
    (s390-pv §1.9)
    """

  private func isAbout(_ t: Expr<HostThread>, _ changes: [String]) -> Condition {
    changes.dropFirst().reduce(at(changes[0], t)) { $0 || at($1, t) }
  }

  @ListBuilder<Property> private var imports: [Property] {
    Always(
      "SI-10", "an import meets no page of another guest, unless the machine takes it over",
      cites: "s390-pv SI-10"
    ) {
      forAll(Page.self) { p in
        at(Self.imports, p) ==> uv.owner[p] == nil || uv.owner[p] == handle || misc == 1
      }
    }
    Always(
      "SI-11", "at the import the page is mapped by the process and the guest, and nobody else's",
      cites: "s390-pv SI-11"
    ) {
      forAll(Page.self) { p in
        at(Self.imports, p) ==> place[p] == .mapped && entry[p] && holding(folio[p])
      }
    }
  }
}
