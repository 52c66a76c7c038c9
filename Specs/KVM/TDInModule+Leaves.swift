import SpecLanguage
import TDXModuleSpecs

/// Each leaf's checks in the module's order, then its effects.
extension TDInModule {
  /// The TD's control structures can be read, and OP_STATE is one in which the leaf may be called.
  @StatementBuilder
  private func allows(_ leaf: Leaf) -> [Statement] {
    let allowed = (leaf.row?.opStates ?? []).filter { TDOpState.allCases.indices.contains($0) }
    When(life != .configured) {
      if leaf.isOfPages { outOfOrder <- true }
      Return(.tdKeysNotConfigured)
    }
    .because("TDCS, TDVPS and S-EPT are encrypted with the TD's key", "tdx-module §14.3")
    Check(
      hasTDCS
        && Condition(.or(allowed.map { .equal(opState.node, TDOpState.allCases[$0].literal) })),
      else: .opStateIncorrect
    ).because("the row of the leaf", "tdx-module §14.2")
  }

  // MARK: The TD

  @StatementBuilder var create: [Statement] {
    Check(life.in(.free, .tornDown), else: .lifecycleIncorrect)
      .because("the HKID is free; an old TDR may have been left behind", "tdx-module §8.1")
    life <- .assigned
    hasTDCS <- false
    opState <- .UNINITIALIZED
    writtenBack <- false
  }

  @StatementBuilder var keyConfig: [Statement] {
    Check(life == .assigned, else: .lifecycleIncorrect)
    life <- .configured
  }

  @StatementBuilder var addCX: [Statement] {
    Check(life == .configured, else: .tdKeysNotConfigured)
    hasTDCS <- true
  }

  @StatementBuilder var initialise: [Statement] {
    allows(.mngInit)
    opState <- .INITIALIZED
  }

  @StatementBuilder var read: [Statement] { allows(.mngRead) }

  @StatementBuilder var finalise: [Statement] {
    allows(.mrFinalize)
    Check(exists(VCPU.self) { v in vcpu[v] == .ready }, else: .noVCPUs)
      .because("num_vcpus is 0", "tdx-module §8.6")
    opState <- .RUNNABLE
  }

  // MARK: vCPUs

  @StatementBuilder func vpCreate(_ v: Expr<VCPU>) -> [Statement] {
    allows(.vpCreate)
    Check(vcpu[v] == .absent, else: .metadataIncorrect)
    vcpu[v] <- .created
  }

  @StatementBuilder func vpAddCX(_ v: Expr<VCPU>) -> [Statement] {
    allows(.vpAddCX)
    Check(vcpu[v] == .created, else: .vcpuStateIncorrect)
    vcpu[v] <- .complete
  }

  @StatementBuilder func vpInit(_ v: Expr<VCPU>) -> [Statement] {
    allows(.vpInit)
    Check(vcpu[v] == .complete, else: .vcpuStateIncorrect)
    vcpu[v] <- .ready
    associated[v] <- true
  }

  /// Leaves that read or write a TDVPS associate the vCPU (tdx-module §9.5).
  @StatementBuilder func vpWrite(_ v: Expr<VCPU>) -> [Statement] {
    allows(.vpWrite)
    Check(vcpu[v] == .ready, else: .vcpuStateIncorrect)
    Check(!strayed[v], else: .vcpuAssociated).because("with another LP", "tdx-module §9.5")
    associated[v] <- true
  }

  /// What TDH.VP.ENTER does when it succeeds.
  @StatementBuilder func enter(_ v: Expr<VCPU>) -> [Statement] {
    Acquire(tdr, .shared)
    associated[v] <- true
    running[v] <- true
  }

  /// A TD exit.
  @StatementBuilder func exit(_ v: Expr<VCPU>) -> [Statement] {
    Release(tdr, .shared)
    running[v] <- false
    olderEpoch[v] <- false
  }

  @StatementBuilder func vpFlush(_ v: Expr<VCPU>) -> [Statement] {
    Check(life == .configured, else: .tdKeysNotConfigured)
    Check(associated[v] && !strayed[v], else: .vcpuNotAssociated)
    associated[v] <- false
  }

  // MARK: Memory

  @StatementBuilder var septAdd: [Statement] { allows(.memSEPTAdd) }

  @StatementBuilder func pageAdd(_ p: Expr<Page>) -> [Statement] {
    allows(.memPageAdd)
    Check(sept[p] == .free, else: .entryStateIncorrect)
    sept[p] <- .mapped
  }

  @StatementBuilder func pageAug(_ p: Expr<Page>) -> [Statement] {
    allows(.memPageAug)
    Check(sept[p] == .free, else: .entryStateIncorrect)
    sept[p] <- .mapped
  }

  @StatementBuilder func extend(_ p: Expr<Page>) -> [Statement] {
    allows(.mrExtend)
    Check(sept[p] == .mapped, else: .entryNotPresent)
  }

  @StatementBuilder func rangeBlock(_ p: Expr<Page>) -> [Statement] {
    allows(.memRangeBlock)
    Check(sept[p] == .mapped, else: .entryStateIncorrect)
    sept[p] <- .blocked
  }

  @StatementBuilder var track: [Statement] {
    allows(.memTrack)
    Check(forAll(VCPU.self) { v in !olderEpoch[v] }, else: .previousEpochBusy)
    Each(VCPU.self) { v in olderEpoch[v] <- running[v] }
    Each(Page.self) { p in
      When(sept[p] == .blocked) { sept[p] <- .trackedOnce }
      When(sept[p] == .trackedOnce) { sept[p] <- .tracked }
    }
  }

  @StatementBuilder func pageRemove(_ p: Expr<Page>) -> [Statement] {
    allows(.memPageRemove)
    Check(sept[p] != .free, else: .entryStateIncorrect)
    Check(sept[p] != .mapped || opState != .RUNNABLE, else: .rangeNotBlocked)
    Check(
      opState != .RUNNABLE || sept[p] == .tracked
        || sept[p] == .trackedOnce && forAll(VCPU.self) { v in !olderEpoch[v] },
      else: .trackingNotDone
    ).because("only a TD that can run needs tracking", "tdx-module §14.4")
    sept[p] <- .free
  }

  @StatementBuilder func pageWBINVD(_ p: Expr<Page>) -> [Statement] {
    Check(sept[p] == .free, else: .metadataIncorrect)
  }

  // MARK: The key

  @StatementBuilder var vpFlushDone: [Statement] {
    Check(life.in(.assigned, .configured), else: .lifecycleIncorrect)
    Check(forAll(VCPU.self) { v in !associated[v] }, else: .flushVPNotDone)
    life <- .blocked
  }

  @StatementBuilder var cacheWB: [Statement] {
    Check(life == .blocked, else: .noHKIDReady)
    writtenBack <- true
  }

  @StatementBuilder var keyFreeID: [Statement] {
    Check(life == .blocked, else: .lifecycleIncorrect)
    Check(writtenBack, else: .wbcacheNotComplete)
    life <- .tornDown
  }

  /// All control pages, the TDR last, which needs all others to be back (tdx-module §11.1).
  @StatementBuilder var reclaim: [Statement] {
    When(life != .tornDown) {
      outOfOrder <- true
      Return(.lifecycleIncorrect)
    }
    Check(forAll(Page.self) { p in sept[p] == .free }, else: .pagesExist)
    life <- .free
    hasTDCS <- false
    opState <- .UNINITIALIZED
    writtenBack <- false
    Each(VCPU.self) { v in vcpu[v] <- .absent }
  }

  /// Every vCPU that was in the guest at the last TDH.MEM.TRACK has left it since.
  var olderEpochsLeft: Condition { forAll(VCPU.self) { v in !olderEpoch[v] } }
}
