import SpecLanguage

/// The leaves that build the TD, for scopes that start from creation (CREATED=0).
extension RunnableTD {
  /// One step: the TDR is in nobody else's hands yet, and the KOT lock is about other TDs.
  public var mngCreate: Action {
    Action("TDH.MNG.CREATE", cites: "tdx-module §8.1") {
      Step("TDH.MNG.CREATE completes") {
        Check(life == .absent, else: .hkidNotFree)
        life <- .TD_HKID_ASSIGNED
      }
    }
  }

  /// - Parameter fails: the processor has no entropy for a key; nothing is changed then.
  public func keyConfig(fails: Condition) -> Action {
    leaf("TDH.MNG.KEY.CONFIG", tdr: .exclusive, "tdx-module §8.2") {
      Check(life == .TD_HKID_ASSIGNED, else: .lifecycleIncorrect)
      Check(!fails, else: .keyGenerationFailed)
      life <- .TD_KEYS_CONFIGURED
    }
  }

  /// Of all TDCS pages together.
  public var mngAddCX: Action {
    leaf("TDH.MNG.ADDCX", tdr: .exclusive, "tdx-module §8.3") { keysConfigured }
  }

  /// - Parameter refuses: the TD_PARAMS ask for what the module does not support.
  public func mngInit(refuses: Condition) -> Action {
    leaf("TDH.MNG.INIT", tdr: .exclusive, "tdx-module §8.4") {
      keysConfigured
      Check(opState == .UNINITIALIZED, else: .opStateIncorrect)
      Check(!refuses, else: .operandInvalid)
      opState <- .INITIALIZED
    }
  }

  /// The TD's OP_STATE must be INITIALIZED.
  private var initialised: Statement {
    Check(opState == .INITIALIZED, else: .opStateIncorrect)
  }

  public var vpCreate: Action {
    leaf("TDH.VP.CREATE", tdr: .shared, "tdx-module §9.1") {
      keysConfigured
      initialised
    }
  }

  /// Of all TDCX pages together.
  public var vpAddCX: Action {
    leaf("TDH.VP.ADDCX", tdr: .shared, "tdx-module §9.2") {
      keysConfigured
      initialised
    }
  }

  /// Version 1, which KVM uses: it gives the vCPU its x2APIC id and takes the TDR exclusively.
  public func vpInit(_ v: Expr<VCPU>) -> Action {
    leaf("TDH.VP.INIT", tdr: .exclusive, "kvm-tdx §3.4") {
      keysConfigured
      initialised
      Check(!ready[v], else: .vcpuStateIncorrect)
      ready[v] <- true
      associated[v] <- true
    }
  }

  public func pageAdd(_ p: Expr<Page>) -> Action {
    leaf("TDH.MEM.PAGE.ADD", tdr: .exclusive, "tdx-module §10.4") {
      keysConfigured
      initialised
      Check(sept[p] == .free, else: .entryStateIncorrect)
      sept[p] <- .mapped
      dirty[p] <- true
    }
  }

  /// Of the 16 chunks of a page together; the measurement itself is not modelled.
  public func mrExtend(_ p: Expr<Page>) -> Action {
    leaf("TDH.MR.EXTEND", tdr: .exclusive, "tdx-module §8.5") {
      keysConfigured
      initialised
      Check(sept[p] == .mapped, else: .entryNotPresent)
    }
  }

  public var mrFinalize: Action {
    leaf("TDH.MR.FINALIZE", tdr: .exclusive, "tdx-module §8.6") {
      keysConfigured
      initialised
      Check(exists(VCPU.self) { v in ready[v] }, else: .noVCPUs)
      opState <- .RUNNABLE
    }
  }

  /// The TDCS pages first, which no other TD or thread knows of; then the TDR.
  public var reclaimTDR: Action {
    Action("TDH.PHYMEM.PAGE.RECLAIM of the TDR", cites: "tdx-module §11.1", "kvm-tdx §4.4") {
      Step("TDH.PHYMEM.PAGE.RECLAIM of the TDR completes") {
        Check(life == .TD_TEARDOWN, else: .lifecycleIncorrect)
        life <- .absent
        opState <- .UNINITIALIZED
        cachesWritten <- false
      }
    }
  }
}
