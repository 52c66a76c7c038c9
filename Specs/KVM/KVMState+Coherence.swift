import SpecLanguage
import TDXModuleSpecs

/// What KVM's mirror, the Secure-EPT and the caches have to do with each other.
extension KVMState {
  /// - Parameter releasesEarly: the design can release the HKID while the VM is there.
  package func coherence(releasesEarly: Bool) -> [Property] {
    [mirrorIsCoherent, freedIsClean] + (releasesEarly ? [releaseIsAtomic] : [])
  }

  private var mirrorIsCoherent: Property {
    Always(
      "S-13", "a page has a mirror SPTE just if it is in the S-EPT, unless mmu_lock is held",
      cites: "kvm-tdx S-13"
    ) {
      !holding(mmuLock) && !holding(mmuLock, .shared) && !bugged
        ==> forAll(Page.self) { p in mirror[p] == !td.isFree(p) }
    }
  }

  private var freedIsClean: Property {
    Always(
      "S-9", "no page is back in the host's allocator with dirty lines of the TD's key",
      cites: "kvm-tdx S-9"
    ) { forAll(Page.self) { p in !folio[p] ==> !td.dirty[p] } }
    .expect(.violated, when: finaliseRaces, because: "its removal failed, see S-8")
  }

  /// A section of mmu_lock sees the TD with its key or torn down, and not both.
  private var releaseIsAtomic: Property {
    Always(
      "S-35", "the TD is not BLOCKED while a page is removed or mapped", cites: "kvm-tdx S-35"
    ) {
      td.isBlocked
        ==> !between("clears the mirror SPTE", "releases mmu_lock for write")
        && !between("freezes the mirror SPTE", "releases mmu_lock for read")
    }
  }

  /// Caches, for proofs of S-9.
  func cacheLemmas(_ evicts: (Expr<File>) -> Condition) -> [Property] {
    let truncate = "truncates: the folio goes back to the host"
    return [
      Lemma("M-19", "a page that left the TD is clean, or TDH.PHYMEM.PAGE.WBINVD comes next") {
        td.cachesWritten ==> !td.isRunnable
        forAll(Page.self) { p in
          td.cachesWritten ==> !td.dirty[p]
          td.isFree(p) && td.dirty[p] ==> calling("TDH.PHYMEM.PAGE.WBINVD", p)
          at(truncate, p) ==> !td.dirty[p]
          forAll(File.self) { f in
            fileOf[p] == f && (at("invalidation ends", f) || evicts(f)) ==> !td.dirty[p]
          }
        }
      }
    ]
  }
}
