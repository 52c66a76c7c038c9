import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// The guest's faults, and what invalidations take from it.
extension HugePageFile {
  static func getsPFN(_ access: Share) -> String {
    "kvm_gmem_get_pfn, \(access): the size of the mapping"
  }
  static func runName(_ access: Share) -> String { "KVM_RUN(\(access) access)" }
  static func snapshots(_ access: Share) -> String {
    "takes a snapshot of mmu_invalidate_seq; is the page \(access)?"
  }
  static func installs(_ access: Share) -> String { "installs the SPTE, \(access)" }

  /// KVM_RUN or KVM_PRE_FAULT_MEMORY: the answer says how large the mapping is.
  ///
  /// Under mmu_lock the range and the sequence number tell whether the fault was overtaken; what
  /// it has found out under invalidate_lock may be outdated by then (guest-memfd §1.5).
  func guestFault(_ access: Share) -> Action {
    Action(
      Self.runName(access), taking: [v, p], by: HostThread.self, cites: "guest-memfd §2.4"
    ) {
      Step(Self.snapshots(access)) {
        Require(fault[v] == .none).because("vcpu->mutex")
        Check(bound, else: .EFAULT)
        Check(share[p] == access, else: .EFAULT)
          .because("KVM_EXIT_MEMORY_FAULT: user space is asked to convert", "guest-memfd §1.4")
        Check(!isMapped(p.element), else: .ok)
        fault[v] <- .fresh
      }
      Step(Self.getsPFN(access)) { getPFN(access) }
      Step(Self.installs(access)) {
        fault[v] <- .none
        faultSize[v] <- .small
        When(mayInstall) {
          install(access)
        } else: {
          Return(.EAGAIN)
        }
      }
    }
  }

  /// - Parameters:
  ///   - source: what tells how large a private mapping may be.
  ///   - preparing: whether the page is made private in the RMP.
  @StatementBuilder
  func getPFN(
    _ access: Share, by source: LevelSource? = nil, preparing: Condition? = nil
  ) -> [Statement] {
    Require(!isLocked)
    When(gmem != .open || !hasFolio(blockOf(p.element))) {
      fault[v] <- .none
      Return(.EFAULT)
    } else: {
      allocates(blockOf(p.element))
      if access == .private {
        faultSize[v] <- largest(by: source ?? levelSource)
        When(
          protection == HostProtection.snp && (preparing ?? (share[p] == .private))
        ) { makesPrivate(largest(by: source ?? levelSource)) }
      }
    }
  }

  /// Not RET_PF_RETRY (guest-memfd I-FAULT).
  var mayInstall: Condition { !hull.contains(p.element) && fault[v] != .stale }

  /// The largest mapping that the folio, and an RMP without entries of 1 GiB, allow.
  private func largest(by source: LevelSource) -> Expr<Size> {
    let p = p.element
    let h = blockOf(p)
    let isNew = block[h] == .absent
    let whole =
      source == .folio ? block[h] == .whole || isNew && !hasShared(h) : !hasShared(h)
    let midWhole =
      whole || block[h] == .split && !midSplit[midOf[p]]
      || isNew && staged == 1 && !hasShared(midOf[p])
    return choose(
      whole && protection != HostProtection.snp, Size.huge,
      else: choose(midWhole && mayBeMid, Size.mid, else: .small))
  }

  /// SEV-SNP: an RMP entry of 2 MiB is there, or all of it is the host's still
  /// (guest-memfd §5.2).
  private var mayBeMid: Condition {
    let m = midOf[p.element]
    return protection != HostProtection.snp || midRMP[m]
      || forAll(Page.self) { q in midOf[q] == m ==> !assigned[q] }
  }

  /// SEV-SNP: the page becomes the guest's in the RMP (guest-memfd §5.2).
  @StatementBuilder
  private func makesPrivate(_ size: Expr<Size>) -> [Statement] {
    let m = midOf[p.element]
    When(size == .small) {
      assigned[p] <- true
    } else: {
      midRMP[m] <- true
      Each(Page.self) { q in When(midOf[q] == m) { assigned[q] <- true } }
    }
  }

  /// A larger entry replaces smaller ones. TDX keeps them: KVM does not promote
  /// (guest-memfd §5.1).
  @StatementBuilder
  func install(_ access: Share) -> [Statement] {
    let p = p.element
    let m = midOf[p]
    let h = blockOf(p)
    if access == .shared {
      spte[p] <- .shared
      Return(.mappedSmall)
    } else {
      let tdx = protection == HostProtection.tdx
      let size = faultSize[v]
      let asHuge = size == .huge && !(tdx && hasSmaller(h))
      let asMid = !asHuge && size != .small && !(tdx && hasSmaller(m))
      When(asHuge) {
        Each(Page.self) { q in When(isIn(q, h)) { spte[q] <- .none } }
        Each(MidPage.self) { o in When(blockOf[o] == h) { midSPTE[o] <- false } }
        hugeSPTE[h] <- true
        Return(.mappedHuge)
      } else: {
        When(asMid) {
          Each(Page.self) { q in When(midOf[q] == m) { spte[q] <- .none } }
          midSPTE[m] <- true
          Return(.mappedMid)
        } else: {
          spte[p] <- .private
          Return(.mappedSmall)
        }
      }
    }
  }

  private func hasSmaller(_ h: Expr<HugePage>) -> Condition {
    exists(Page.self) { q in isIn(q, h) && (spte[q] != .none || midSPTE[midOf[q]]) }
  }

  private func hasSmaller(_ m: Expr<MidPage>) -> Condition {
    exists(Page.self) { q in midOf[q] == m && spte[q] != .none }
  }

  /// With TDX the contents of what is mapped private are gone (guest-memfd §5.1).
  @StatementBuilder
  func destroysContents(_ which: (Expr<Page>) -> Condition) -> [Statement] {
    When(protection == HostProtection.tdx) {
      When(exists(Page.self) { q in isZapped(q, which) }) { changed <- true }
      When(exists(Page.self) { q in isZapped(q, which) && !which(q) }) { overreached <- true }
    }
  }

  /// Every entry goes that maps one of these pages, with all that it maps.
  @StatementBuilder
  func zapsEntries(_ which: (Expr<Page>) -> Condition) -> [Statement] {
    Each(Page.self) { q in When(which(q)) { spte[q] <- .none } }
    Each(MidPage.self) { m in
      When(exists(Page.self) { q in midOf[q] == m && which(q) }) { midSPTE[m] <- false }
    }
    Each(HugePage.self) { h in
      When(exists(Page.self) { q in isIn(q, h) && which(q) }) { hugeSPTE[h] <- false }
    }
  }

  private func isZapped(_ q: Expr<Page>, _ which: (Expr<Page>) -> Condition) -> Condition {
    spte[q] == .private && which(q)
      || midSPTE[midOf[q]] && exists(Page.self) { o in midOf[o] == midOf[q] && which(o) }
      || hugeSPTE[blockOf(q)] && exists(Page.self) { o in blockOf(o) == blockOf(q) && which(o) }
  }

  /// TDX: entries that reach beyond these pages are made smaller first, so that the rest stays
  /// (guest-memfd §5.1).
  @StatementBuilder
  func demotes(_ which: @escaping (Expr<Page>) -> Condition) -> [Statement] {
    Each(HugePage.self) { h in When(isDemoted(h, which)) { hugeSPTE[h] <- false } }
    Each(MidPage.self) { m in
      When(midSPTE[m] || isDemoted(blockOf[m], which)) {
        midSPTE[m] <- !(isCut(m, which) || becomesSmall(m))
      }
    }
    Each(Page.self) { q in
      When(
        (midSPTE[midOf[q]] || isDemoted(blockOf(q), which))
          && (isCut(midOf[q], which) || becomesSmall(midOf[q]))
      ) { spte[q] <- .private }
    }
  }

  /// The part is in a block that is about to be split down to 4 KiB.
  func becomesSmall(_ m: Expr<MidPage>) -> Condition {
    staged == 0 && block[blockOf[m]] == .frozen
  }

  /// The block's entry of 1 GiB reaches beyond these pages.
  private func isDemoted(
    _ h: Expr<HugePage>, _ which: (Expr<Page>) -> Condition
  ) -> Condition {
    hugeSPTE[h] && exists(Page.self) { q in isIn(q, h) && which(q) }
      && exists(Page.self) { q in isIn(q, h) && !which(q) }
  }

  /// Some of the part's pages are meant and some are not.
  private func isCut(_ m: Expr<MidPage>, _ which: (Expr<Page>) -> Condition) -> Condition {
    exists(Page.self) { q in midOf[q] == m && which(q) }
      && exists(Page.self) { q in midOf[q] == m && !which(q) }
  }

  /// SEV-SNP: an RMP entry of 2 MiB that is partly covered is smashed, then the pages are the
  /// host's (guest-memfd §5.2).
  @StatementBuilder
  func makesShared(_ which: (Expr<Page>) -> Condition) -> [Statement] {
    Each(MidPage.self) { m in
      When(exists(Page.self) { q in midOf[q] == m && which(q) }) { midRMP[m] <- false }
    }
    Each(Page.self) { q in When(which(q)) { assigned[q] <- false } }
  }

  /// mmu_invalidate_end: faults in flight retry.
  @StatementBuilder
  var endsInvalidation: [Statement] {
    hull <- SetOf<Page>.empty
    Each(VCPU.self) { v in When(fault[v] == .fresh) { fault[v] <- .stale } }
    changed <- false
  }
}
