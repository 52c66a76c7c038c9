import SpecLanguage
import TDXModuleSpecs

private let leaf = NamedArgument<Leaf>("leaf")
private let failure = NamedArgument<LeafStatus>("status")
private let count = NamedArgument<Int>("count", in: 0...11)
private let exit = NamedArgument<GuestExit>("exit")
private let place = NamedArgument<Page?>("gpa")
private let taken = NamedArgument<Bool>("taken")

/// What neither KVM nor its callers decide.
extension TDXVM {
  /// Other TDs take the last KeyID, or give one back.
  var otherTDs: Action {
    Action("other TDs' KeyIDs", taking: [taken], cites: "kvm-tdx §1.4") {
      Require(environment == 1 && (isReplay || at("tdx_guest_keyid_alloc")))
      keyIDsTaken <- Expr<Bool>(taken.node)
    }
  }

  /// The module of a recording is told beforehand what to answer.
  private var isReplay: Condition { module.standIn == 1 }

  /// A thread is about to make the SEAMCALL, and the failure is one that KVM tells from others at
  /// this leaf: busy where it tries again, no entropy ten times in a row.
  private var isInjectable: Condition {
    let called = Leaf.allCases.map { one in
      leaf == one && Self.steps(of: one).map { at($0) }.reduce(Condition(.no)) { $0 || $1 }
    }
    return called.reduce(Condition(.no)) { $0 || $1 }
      && (failure == .other && count == 1
        || failure == .noEntropy && count == 10 && leaf.in(.mngCreate, .mngAddCX)
        || failure == .operandInvalid && count == 1 && leaf == .mngInit
        || failure == .operandBusy && count == 2
          && leaf.in(.memRangeBlock, .memTrack, .memPageRemove)
        || failure == .operandBusy && count == 1
          && leaf.in(
            .memRangeBlock, .memTrack, .memPageRemove, .memSEPTAdd, .memPageAdd, .memPageAug,
            .mrFinalize))
  }

  /// The steps at which a leaf is called.
  private static func steps(of leaf: Leaf) -> [String] {
    switch leaf {
    case .memSEPTAdd: (1...4).map { "\(leaf.name) (level \($0))" }
    case .phymemPageWBINVD: [leaf.name, "\(leaf.name) of the page"]
    default: [leaf.name]
    }
  }

  /// The next calls of a leaf fail.
  var fails: Action {
    Action("a SEAMCALL will fail", taking: [leaf, failure, count], cites: "kvm-tdx §4.6") {
      Require(faults == 1 && (isReplay || !hasFailed && isInjectable))
      hasFailed <- true
      refusedByModule <- failure == .operandInvalid || failure == .noEntropy
      failing[leaf] <- Expr<LeafStatus>(failure.node)
      failures[leaf] <- Expr<Int>(count.node)
    }
  }

  /// Why the guest exits next.
  var exits: Action {
    Action("the guest's next exit", taking: [exit, place], cites: "kvm-tdx §2.5") {
      Require(environment == 1 && (isReplay || at("TDH.VP.ENTER")))
      nextExit <- Expr<GuestExit>(exit.node)
      exitPage <- Expr<Page?>(place.node)
    }
  }
}
