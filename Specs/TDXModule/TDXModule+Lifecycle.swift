import SpecLanguage

extension TDXModule {
  /// What the module makes of TD_PARAMS.
  enum Params: EnumDomain { case ok, one_vcpu, zero_vcpus, bad_eptp, bad_tsc, bad_xfam, unaligned }

  @ListBuilder<Action> var lifecycleLeaves: [Action] {
    unknownVersion
    create
    addCX
    initialise
    extend
    finalise
  }

  /// The dispatcher, before any leaf.
  private var unknownVersion: Action {
    Action("SEAMCALL with a version", cites: "tdx-module §5.1") {
      Require(badOperands == 1)
        .because("the scope leaves out operands that name nothing", "tdx-module §5.1")
      Check(Condition(.no), else: .tdx(.OPERAND_INVALID, .RAX))
        .because("the leaf has only version 0", "tdx-module §5.1")
    }
  }

  private var create: Action {
    Action(
      "TDH.MNG.CREATE", with: CallArgument("td", TD.self),
      CallArgument("page", PageOperand.self), CallArgument("hkid", HKIDOperand.self),
      cites: ["tdx-module §8.1"]
    ) { t, page, key in
      let p: Expr<Page> = page.element()
      let h: Expr<HKID> = key.element()
      mayBeBad(key.isElement())
      Check(!key.isAny(of: .outside), else: .tdx(.OPERAND_INVALID, .RDX))
        .because("the HKID is private", "tdx-module §8.1")
      self.page(page, in: .RCX, of: .mngCreate, .page, is: .NDA)
      Check(!key.isAny(of: .module) && kot[h] == .HKID_FREE, else: .tdx(.HKID_NOT_FREE))
      Require(life[t] == .absent)
        .because("a TD of the scope is there to be this one", "tdx-module §8.1")
      kot[h] <- .HKID_ASSIGNED
      hkid[t] <- h
      life[t] <- .TD_HKID_ASSIGNED
      type[p] <- .TDR
      owner[p] <- t
    }
  }

  private var addCX: Action {
    Action(
      "TDH.MNG.ADDCX", with: CallArgument("page", PageOperand.self),
      CallArgument("td", PageOperand.self), cites: ["tdx-module §8.3"]
    ) { page, td in
      let t = self.td(at: td)
      let p: Expr<Page> = page.element()
      tdr(td, in: .RDX, of: .mngAddCX)
      Check(!fatal[t], else: .tdx(.TD_FATAL))
      keysConfigured(t)
      Check(numTDCX[t] < tdcxPages + spareTDCX, else: .tdx(.TDCX_NUM_INCORRECT))
      self.page(page, in: .RCX, of: .mngAddCX, .page, is: .NDA, after: [td.element()])
      Check(
        numTDCX[t] < tdcxPages || opState[t] == .UNINITIALIZED, else: .tdx(.OP_STATE_INCORRECT)
      )
      .because("a page beyond those that the TDCS needs", "tdx-module §8.3")
      numTDCX[t] <- numTDCX[t] + 1
      children[t] <- children[t] + 1
      take(p, as: .TDCX, for: t)
    }
  }

  private var initialise: Action {
    Action(
      "TDH.MNG.INIT", with: CallArgument("td", PageOperand.self),
      CallArgument("params", Params.self), cites: ["tdx-module §8.4"]
    ) { td, params in
      let t = self.td(at: td)
      mayBeBad(params.in(.ok, .one_vcpu))
      tdr(td, in: .RCX, of: .mngInit)
      state(of: t, for: .mngInit)
      Check(params != .unaligned, else: .tdx(.OPERAND_INVALID, .RDX))
      refuseParams(t, params, .bad_xfam, .XFAM)
      refuseParams(t, params, .zero_vcpus, .MAX_VCPUS)
      refuseParams(t, params, .bad_eptp, .EPTP_CONTROLS)
      refuseParams(t, params, .bad_tsc, .TSC_FREQUENCY)
      epoch[t] <- 1
      maxVCPUs[t] <- choose(params == .one_vcpu, Expr<Int>(1.literal), else: Expr<Int>(2.literal))
      opState[t] <- .INITIALIZED
    }
  }

  /// TD_EPOCH is written before the parameters are looked at.
  private func refuseParams(
    _ t: Expr<TD>, _ params: Expr<Params>, _ mistake: Params, _ operand: OperandID
  ) -> Statement {
    When(params == mistake) {
      epoch[t] <- 1
      Return(.tdx(.OPERAND_INVALID, operand))
    }.because("the TDCS is partly written by then", "tdx-module §8.4")
  }

  private var extend: Action {
    Action(
      "TDH.MR.EXTEND", with: CallArgument("td", PageOperand.self),
      CallArgument("entry", EntryOperand.self), CallArgument("unaligned", Bool.self),
      cites: ["tdx-module §8.5"]
    ) { td, entry, unaligned in
      let t = self.td(at: td)
      mayBeBad(!unaligned)
      tdr(td, in: .RDX, of: .mrExtend)
      state(of: t, for: .mrExtend)
      Check(!unaligned, else: .tdx(.OPERAND_INVALID, .RCX))
        .because("a chunk of 256 bytes", "tdx-module §8.5")
      self.entry(entry, levels: 0...0)
      Check(
        entryState[t, reached(t, entry.element())] == .MAPPED,
        else: .tdx(.EPT_ENTRY_NOT_PRESENT, .RCX))
    }
  }

  private var finalise: Action {
    Action(
      "TDH.MR.FINALIZE", with: CallArgument("td", PageOperand.self), cites: ["tdx-module §8.6"]
    ) { td in
      let t = self.td(at: td)
      tdr(td, in: .RCX, of: .mrFinalize)
      state(of: t, for: .mrFinalize)
      Check(numVCPUs[t] > 0, else: .tdx(.NO_VCPUS))
      opState[t] <- .RUNNABLE
    }
  }
}
