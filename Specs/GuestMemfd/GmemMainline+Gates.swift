import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension GmemMainline {
  /// The gate of every ioctl on the VM's descriptor (guest-memfd §1.3).
  ///
  /// - Parameter tried: which arguments a scope tries.
  func vmGate(trying tried: Condition = Condition(.yes)) -> Statement {
    Step("kvm_vm_ioctl: the gate") {
      Require(vmFile != .absent)
      Require(tried && (arguments == 1 || vmFile == .open && caller == .owner))
      Check(vmFile == .open, else: .EBADF).because("the descriptor is closed")
      Check(caller == .owner && !vmDead, else: .EIO)
        .because("another mm, or the VM is dead; read without a lock", "guest-memfd §1.3")
    }
  }

  /// The gate of every ioctl on a vCPU's descriptor (kvm-tdx §2.0).
  ///
  /// - Parameter tried: which arguments a scope tries.
  func vcpuGate(trying tried: Condition = Condition(.yes)) -> Statement {
    Step("kvm_vcpu_ioctl: the gate") {
      Require(vcpuFile[v] != .absent)
      Require(tried && (arguments == 1 || vcpuFile[v] == .open && caller == .owner))
      Check(vcpuFile[v] == .open, else: .EBADF).because("the descriptor is closed")
      Check(caller == .owner && !vmDead, else: .EIO)
        .because("another mm, or the VM is dead; read without a lock", "kvm-tdx §2.0")
    }
  }

  /// The VM has private memory (guest-memfd §1.2).
  var hasPrivateMemory: Condition { kind == .softwareProtected }

  /// The fact holds for this kernel.
  func has(_ fact: KernelProfile.Fact) -> Condition { KernelProfile.has(fact, profile) }

  /// The index of the file that backs a page of a memslot, compared with an index.
  func backs(_ i: Expr<FileIndex>, _ p: Expr<Page>, in s: Expr<MemSlot>) -> Condition {
    Condition(
      .equal(
        .add(i.node, bias.node),
        .add(p.node, pgoff[s].node)))
  }

  /// The page is bound to an index of the file for which the condition holds.
  func isBound(
    _ p: Expr<Page>, to f: Expr<File>, where condition: @escaping (Expr<FileIndex>) -> Condition
  ) -> Condition {
    exists(MemSlot.self) { s in
      gfns[s].contains(p)
        && exists(FileIndex.self) { i in
          condition(i) && bindings[f, i] == s && backs(i, p, in: s)
        }
    }
  }

  // MARK: Invalidation (guest-memfd §1.5)

  static let begins = "invalidation begins: unmaps and flushes"
  static let ends = "invalidation ends: the sequence moves on"

  /// begin, add, unmap and flush under write mmu_lock: the filter says which kinds go.
  @StatementBuilder
  func invalidationBegins(
    _ victims: some Readable<SetOf<Page>>, where gone: @escaping (Expr<Page>) -> Condition
  ) -> [Statement] {
    Holding(mmuLock, .write) {
      Step(Self.begins) {
        hull <- choose(inProgress == 0, victims, else: hull.union(Expr(victims.node)))
        inProgress <- inProgress + 1
        Each(Page.self) { p in
          When(Expr<SetOf<Page>>(victims.node).contains(p) && gone(p)) { spte[p] <- .none }
        }
      }
      .because("the range only grows while an invalidation is under way", "guest-memfd §1.5")
    }
  }

  /// end: faults that took their snapshot before must retry.
  @StatementBuilder
  func invalidationEnds() -> [Statement] {
    Holding(mmuLock, .write) {
      Step(Self.ends) {
        Each(VCPU.self) { w in When(holding(vcpuMutex[w])) { stale[w] <- true } }
        When(inProgress == 1) { hull <- .empty }
        inProgress <- inProgress - 1
      }
    }
  }
}
