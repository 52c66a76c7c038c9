import SpecLanguage

/// The module's rules for one TD: taking it down, and building it where a scope asks for that.
///
/// CREATED=1 starts from a TD that is finalised and has run; CREATED=0 from a module that has no
/// TDR yet (RunnableTD+Creation.swift), with a Secure-EPT that is there.
/// One TD, one package, 4 KiB pages. The leaves are those that KVM uses to remove pages and to
/// release the HKID; a leaf takes its module locks at its begin and has its effects at its end.
///
/// Left out, because within this model nobody else takes them at the same time: the OP_STATE and
/// S-EPT entry locks, the S-EPT tree lock (BLOCK runs under write mmu_lock, PAGE.AUG under read),
/// the KOT and WBT locks (all users are under tdx_lock), TDVPR (VP.FLUSH runs when the vCPU does
/// not), TD_EPOCH (the window in VP.ENTER is one instruction sequence).
public struct RunnableTD: SpecPart {
  public static let created = Parameter(
    "CREATED", 0...1, default: 1, "1: starts from a finalised TD that has run; 0: from creation")
  public let created = Self.created

  let life = Var(
    choose(Self.created == 1, LifeCycle.TD_KEYS_CONFIGURED, else: .absent), as: "td_lifecycle")
  let opState = Var(
    choose(Self.created == 1, TDXModule.OpState.RUNNABLE, else: .UNINITIALIZED), as: "op_state")
  /// CACHE.WB completed on the package since VPFLUSHDONE (kot.wbinvd_bitmap is 0).
  package let cachesWritten = Var(false, as: "caches_written_back")
  /// The vCPU's TDVPS is associated with a logical processor.
  package let associated = Map(VCPU.self, Self.created == 1, as: "vcpu_associated")
  /// TDH.VP.INIT has completed: the vCPU is VCPU_READY or in the guest.
  let ready = Map(VCPU.self, Self.created == 1, as: "vcpu_ready")
  /// The vCPU is in the guest.
  package let running = Map(VCPU.self, false, as: "vcpu_in_guest")
  /// The vCPU is in the guest since before the last TDH.MEM.TRACK.
  let olderEpoch = Map(VCPU.self, false, as: "in_guest_since_older_epoch")
  package let sept = Map(
    Page.self, choose(Self.created == 1, SEPT.mapped, else: .free), as: "sept")
  /// Caches may hold lines of the page that were written with the TD's key.
  package let dirty = Map(Page.self, Self.created == 1, as: "page_dirty_in_caches")
  /// The TDR's lock; every running vCPU holds it shared (tdx-module §6.2).
  let tdr = RWLock("TDR", rank: nil)

  /// What a spec adds to the leaves of pages, where it knows more of them.
  public struct PageExtras: Sendable {
    /// A walk to 4 KiB ends at the page's own entry, and at no larger leaf.
    public let isSmall: @Sendable (Expr<Page>) -> Condition
    public typealias Which = (Expr<Page>) -> Condition

    /// What else happens as these pages leave the TD.
    public let leave: @Sendable (Which) -> [Statement]

    public init(
      isSmall: @escaping @Sendable (Expr<Page>) -> Condition,
      leave: @escaping @Sendable (Which) -> [Statement]
    ) {
      self.isSmall = isSmall
      self.leave = leave
    }
  }

  let extras: PageExtras?

  public init(extras: PageExtras? = nil) { self.extras = extras }

  /// The walk of a leaf of 4 KiB.
  @StatementBuilder
  private func walk(_ p: Expr<Page>) -> [Statement] {
    if let extras {
      Check(extras.isSmall(p), else: .eptWalkFailed)
        .because("the walk ends at a larger leaf", "tdx-module §5.6")
    }
  }

  /// The page is nobody's.
  @StatementBuilder
  private func leavesTD(_ p: Expr<Page>) -> [Statement] {
    sept[p] <- .free
    if let extras { extras.leave { q in q == p } }
  }

  /// A SEAMCALL on the TD: tries the TDR lock at its begin, has its effects at its end.
  func leaf(
    _ name: String, tdr mode: LockMode, _ citation: String,
    @StatementBuilder _ body: () -> [Statement]
  ) -> Action {
    Action(name, cites: citation) {
      TryHolding(tdr, mode, else: .operandBusyTDR) { Step("\(name) completes", body) }
    }
  }

  /// The TD's pages and vCPUs may be touched.
  var keysConfigured: Statement {
    Check(life == .TD_KEYS_CONFIGURED, else: .tdKeysNotConfigured)
      .because("TDCS, TDVPS and S-EPT are encrypted with the TD's key", "tdx-module §14.3")
  }

  // MARK: Memory

  public func rangeBlock(_ p: Expr<Page>) -> Action {
    leaf("TDH.MEM.RANGE.BLOCK", tdr: .shared, "tdx-module §10.10") {
      keysConfigured
      walk(p)
      Check(sept[p] == .mapped, else: .entryStateIncorrect)
      sept[p] <- .blocked
    }
  }

  public var track: Action {
    leaf("TDH.MEM.TRACK", tdr: .shared, "tdx-module §10.12") {
      keysConfigured
      Check(forAll(VCPU.self) { v in !olderEpoch[v] }, else: .previousEpochBusy)
      Each(VCPU.self) { v in olderEpoch[v] <- running[v] }
      Each(Page.self) { p in
        When(sept[p] == .blocked) { sept[p] <- .trackedOnce }
        When(sept[p] == .trackedOnce) { sept[p] <- .tracked }
      }
    }
  }

  public func pageRemove(_ p: Expr<Page>) -> Action {
    leaf("TDH.MEM.PAGE.REMOVE", tdr: .shared, "tdx-module §10.6") {
      keysConfigured
      walk(p)
      Check(sept[p] != .free, else: .entryStateIncorrect)
      Check(needsNoTracking || sept[p] != .mapped, else: .rangeNotBlocked)
      Check(isTracked(p), else: .trackingNotDone)
      leavesTD(p)
    }
  }

  /// - Parameter foreign: the page belongs to another TD, where a spec has one.
  public func pageAug(_ p: Expr<Page>, foreign: Condition? = nil) -> Action {
    leaf("TDH.MEM.PAGE.AUG", tdr: .shared, "tdx-module §10.5") {
      keysConfigured
      if let foreign { Check(!foreign, else: .metadataIncorrect) }
      Check(sept[p] == .free, else: .entryStateIncorrect)
      sept[p] <- .mapped
      dirty[p] <- true
    }
  }

  /// Writes back the lines of the page that were written with the TD's key.
  ///
  /// One step: it takes no lock of the TD, and the page, which nobody owns by now, is in nobody
  /// else's hands.
  public func pageWBINVD(_ p: Expr<Page>) -> Action {
    Action("TDH.PHYMEM.PAGE.WBINVD", cites: "tdx-module §11.3") {
      Step("TDH.PHYMEM.PAGE.WBINVD completes") {
        Check(sept[p] == .free, else: .metadataIncorrect)
        dirty[p] <- false
      }
    }
  }

  public func pageReclaim(_ p: Expr<Page>) -> Action {
    leaf("TDH.PHYMEM.PAGE.RECLAIM", tdr: .shared, "tdx-module §11.1") {
      Check(sept[p] != .free, else: .metadataIncorrect)
      Check(life == .TD_TEARDOWN, else: .lifecycleIncorrect)
      leavesTD(p)
    }
  }

  // MARK: vCPUs

  /// What TDH.VP.ENTER needs and does; the caller retries while the TDR is busy.
  @StatementBuilder public func vpEnter(_ v: Expr<VCPU>) -> [Statement] {
    Require(!holding(tdr)).because("OPERAND_BUSY from VP.ENTER is retried", "kvm-tdx §2.5")
    keysConfigured
    Check(isFinalised, else: .opStateIncorrect)
    Check(created == 1 || ready[v], else: .vcpuStateIncorrect)
    Acquire(tdr, .shared)
    associated[v] <- true
    running[v] <- true
  }

  /// A TD exit.
  @StatementBuilder public func tdExit(_ v: Expr<VCPU>) -> [Statement] {
    Release(tdr, .shared)
    running[v] <- false
    olderEpoch[v] <- false
  }

  public func vpFlush(_ v: Expr<VCPU>) -> Action {
    leaf("TDH.VP.FLUSH", tdr: .shared, "tdx-module §9.4") {
      Require(!running[v])
        .because("it runs on the vCPU's LP, where the interrupt ended the guest", "kvm-tdx §2.12")
      keysConfigured
      Check(associated[v], else: .vcpuNotAssociated)
      associated[v] <- false
    }
  }

  /// Every vCPU that was in the guest at the last TDH.MEM.TRACK has left it since.
  public var olderEpochsLeft: Condition { forAll(VCPU.self) { v in !olderEpoch[v] } }

  // MARK: The key

  public var vpFlushDone: Action {
    leaf("TDH.MNG.VPFLUSHDONE", tdr: .exclusive, "tdx-module §8.7") {
      Check(hasHKID, else: .lifecycleIncorrect)
      Check(forAll(VCPU.self) { v in !associated[v] }, else: .flushVPNotDone)
      life <- .TD_BLOCKED
    }
  }

  /// Takes the KOT shared, not the TDR: it works on the package's caches, for all key ids. Nobody
  /// can write with a key that is blocked.
  public var cacheWB: Action {
    Action("TDH.PHYMEM.CACHE.WB", cites: "tdx-module §11.4") {
      Step("TDH.PHYMEM.CACHE.WB completes") {
        Check(life == .TD_BLOCKED, else: .noHKIDReady)
        cachesWritten <- true
        Each(Page.self) { p in dirty[p] <- false }
      }
    }
  }

  public var keyFreeID: Action {
    leaf("TDH.MNG.KEY.FREEID", tdr: .exclusive, "tdx-module §8.9") {
      Check(life == .TD_BLOCKED, else: .lifecycleIncorrect)
      Check(cachesWritten, else: .wbcacheNotComplete)
      life <- .TD_TEARDOWN
    }
  }

  // MARK: Properties

  /// A removal SEAMCALL is under way.
  public var removing: Condition {
    inside("TDH.MEM.RANGE.BLOCK") || inside("TDH.MEM.TRACK") || inside("TDH.MEM.PAGE.REMOVE")
  }

  /// No removal needs TDH.MEM.TRACK: before TDH.MR.FINALIZE no vCPU has run.
  var needsNoTracking: Condition { created == 0 && opState != .RUNNABLE }

  /// No translation by the page's entry is left, if it is blocked (tdx-module §14.4).
  func isTracked(_ p: Expr<Page>) -> Condition {
    needsNoTracking || sept[p] == .tracked
      || sept[p] == .trackedOnce && forAll(VCPU.self) { v in !olderEpoch[v] }
  }

  /// TDH.MR.FINALIZE has completed.
  public var isFinalised: Condition { created == 1 || opState == .RUNNABLE }
  /// TDH.MNG.INIT has completed, TDH.MR.FINALIZE has not.
  public var isInitialised: Condition { created == 0 && opState == .INITIALIZED }
  /// The HKID is the TD's, with or without a key: what TDH.MNG.VPFLUSHDONE needs.
  public var hasHKID: Condition {
    life == .TD_KEYS_CONFIGURED || created == 0 && life == .TD_HKID_ASSIGNED
  }
  /// The module has no TDR.
  public var isAbsent: Condition { created == 0 && life == .absent }

  /// What no step of a TD that is finalised at the start changes.
  public var isThereFromTheStart: Condition {
    life.in(.TD_KEYS_CONFIGURED, .TD_BLOCKED, .TD_TEARDOWN) && opState == .RUNNABLE
      && forAll(VCPU.self) { v in ready[v] }
  }

  public var isBlocked: Condition { life == .TD_BLOCKED }
  public var isRunnable: Condition { life == .TD_KEYS_CONFIGURED }
  public var isTornDown: Condition { life == .TD_TEARDOWN }
  /// The page does not belong to the TD.
  public func isFree(_ p: Expr<Page>) -> Condition { sept[p] == .free }

  public var properties: [Property] {
    [
      Always(
        "S-2", "no vCPU is associated once the HKID is free", cites: "kvm-tdx S-2"
      ) { life == .TD_TEARDOWN ==> forAll(VCPU.self) { v in !associated[v] } },
      Always(
        "S-3", "the HKID is freed only after the caches were written back", cites: "kvm-tdx S-3"
      ) { life == .TD_TEARDOWN ==> cachesWritten },
      Always("S-4", "a vCPU runs only while the TD's keys are configured", cites: "kvm-tdx S-4") {
        forAll(VCPU.self) { v in running[v] ==> life == .TD_KEYS_CONFIGURED }
      },
    ]
  }
}
