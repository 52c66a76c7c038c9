import SpecLanguage
import TDXModuleSpecs

private let slot = NamedArgument<MemSlot>("slot")

/// Where a scope begins that is about what happens to a TD, and not about how it came to be.
extension TDXVM {
  /// A cell and the value it has in a TD that was built: one list for the step that makes the TD
  /// and for the claim that calls can make it.
  private struct BuiltCell {
    let holds: Condition
    let write: [Statement]

    init<W: Writable>(_ cell: W, _ value: W.Value) {
      holds = cell == value
      write = Statements { cell <- value }
    }
  }

  private func vmCells(runnable: Bool) -> [BuiltCell] {
    [
      BuiltCell(vmFile, .open), BuiltCell(irqchip, .split), BuiltCell(hkid, .assigned),
      BuiltCell(build, runnable ? .runnable : .initialized), BuiltCell(width, .bits48),
      BuiltCell(maxVCPUID, 6), BuiltCell(tdrHeld, true), BuiltCell(tdcsPages, .held),
      BuiltCell(module.life, .configured), BuiltCell(module.hasTDCS, true),
      BuiltCell(module.opState, runnable ? .RUNNABLE : .INITIALIZED), BuiltCell(bugged, false),
    ]
  }

  private func vcpuCells(_ w: Expr<VCPU>, runnable: Bool) -> [BuiltCell] {
    [
      BuiltCell(vcpu[w], runnable ? .initialized : .created), BuiltCell(vcpuFile[w], .open),
      BuiltCell(hasX2APIC[w], true), BuiltCell(cpuidWidth[w], .none), BuiltCell(listed[w], true),
      BuiltCell(mpRunnable[w], true), BuiltCell(module.vcpu[w], runnable ? .ready : .absent),
      BuiltCell(module.associated[w], runnable), BuiltCell(hasRun[w], false),
    ]
  }

  /// A TD whose vCPUs exist and whose pages are private, bound to one file and not mapped.
  ///
  /// - Parameter runnable: its vCPUs are initialised, and it is finalized.
  private func built(runnable: Bool) -> [Statement] {
    vmCells(runnable: runnable).flatMap(\.write)
      + Statements {
        Each(VCPU.self) { w in vcpuCells(w, runnable: runnable).flatMap(\.write) }
        gmem[f] <- .open
        slotUsed[slot] <- true
        bindings[f] <- bindings[f].inserting(slot.element)
        Each(Page.self) { p in
          slotOf[p] <- slot.element
          fileOf[p] <- f.element
          indexOf[p] <- Expr<FileIndex?>(.some(p.node))
          isPrivate[p] <- true
        }
      }
  }

  /// The first step of a scope with `BUILT`.
  var begins: Action {
    Action("a VMM has built a TD", taking: [f, slot], cites: "kvm-tdx §1.3") {
      Require(start != 0 && vmFile == .absent && !hasForked && !exited)
      When(start == 1) { built(runnable: false) }
      When(start == 2) { built(runnable: true) }
    }
  }

  /// Calls lead to where `BUILT` begins.
  @ListBuilder<Property>
  var beginnings: [Property] {
    Possible("BUILT-1", "calls lead to where BUILT=1 begins", cites: "kvm-tdx §1.3") {
      isBuilt(runnable: false)
    }
    .expect(.vacuous, when: start == 2, because: "it begins with a TD that is finalized")
    .expect(
      .vacuous, when: start == 0, unlessMade: ["KVM_CREATE_GUEST_MEMFD"], because: Self.noMemory)
    Possible("BUILT-2", "calls lead to where BUILT=2 begins", cites: "kvm-tdx §1.3") {
      isBuilt(runnable: true)
    }
    .expect(
      .vacuous, when: start == 0, unlessMade: ["KVM_CREATE_GUEST_MEMFD"], because: Self.noMemory
    )
    .expect(
      .vacuous, when: start != 2, unlessMade: ["KVM_TDX_FINALIZE_VM"],
      because: "no call of the scope finalizes the TD")
  }

  private static let noMemory = "the TD gets no memory"

  private func isBuilt(runnable: Bool) -> Condition {
    let ofVM = vmCells(runnable: runnable).map(\.holds)
    return ofVM.dropFirst().reduce(ofVM[0]) { $0 && $1 }
      && forAll(VCPU.self) { w in
        let cells = vcpuCells(w, runnable: runnable).map(\.holds)
        return cells.dropFirst().reduce(cells[0]) { $0 && $1 }
      }
      && exists(File.self) { g in
        gmem[g] == .open
          && exists(MemSlot.self) { s in
            slotUsed[s] && bindings[g].contains(s)
              && forAll(Page.self) { p in
                slotOf[p] == s && fileOf[p] == g && indexOf[p] != nil && isPrivate[p]
                  && !mirror[p]
              }
          }
      }
  }
}
