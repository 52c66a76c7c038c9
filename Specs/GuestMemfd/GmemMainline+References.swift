import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

extension GmemMainline {
  static let releaseName = "kvm_gmem_release"
  static let lastReference = "the last reference to the file goes"
  static let losesFile = "its memslots lose their file"
  static let leavesInode = "the file leaves the inode; its bindings go"

  /// Nothing holds the file: no descriptor, no mapping, no call on it (guest-memfd §1.4).
  func isUnreferenced(_ g: Expr<File>) -> Condition {
    gmem[g] != .open && !copied[g] && !holding(fdget[g], .shared)
      && !exists(VMA.self) { m in vmaFile[m] == g }
  }

  /// kvm_gmem_release, put off until the last reference is gone (guest-memfd §1.4).
  ///
  /// Memslots that are bound stay, without a file.
  var release: Action {
    let victims = Local<SetOf<Page>>("pages of memslots")
    return Action(
      Self.releaseName, each: File.self, by: HostThread.self, cites: "guest-memfd §1.4"
    ) { g in
      Step(Self.lastReference) {
        Require(life[g] == .live && isUnreferenced(g))
        life[g] <- .dying
      }
      Holding(slotsLock) {
        Holding(invalidateLock[g], .write) {
          Step(Self.losesFile) {
            victims <- those(Page.self) { p in isBound(p, to: g) { _ in Condition(.yes) } }
            Each(MemSlot.self) { s in When(slotFile[s] == g) { slotFile[s] <- nil } }
          }
          When(victims != .empty) {
            invalidationBegins(victims) { _ in Condition(.yes) }
            invalidationEnds()
          }
          Step(Self.leavesInode) {
            Each(FileIndex.self) { i in bindings[g, i] <- nil }
            life[g] <- .released
          }
        }
      }
    }
  }

  /// The inode's last reference goes, after the file's: its pages are truncated
  /// (guest-memfd §1.4).
  var evict: Action {
    Action("the inode is evicted", each: File.self, cites: "guest-memfd §1.4") { g in
      Require(life[g] == .released && !pathHeld[g])
      life[g] <- .evicted
      Each(FileIndex.self) { i in drops(g, i) }
    }
  }

  static let failureName = "memory_failure"

  /// memory_failure of a page of a file: the guest's mappings go, the page stays in the file
  /// (guest-memfd §1.4).
  var memoryFailure: Action {
    let victims = Local<SetOf<Page>>("pages of memslots")
    return Action(
      Self.failureName, each: File.self, FileIndex.self, by: HostThread.self,
      cites: "guest-memfd §1.4"
    ) { g, i in
      Step("the page is poisoned and unmapped from user space") {
        Require(poison == 1 && folio[g, i] == .uptodate && life[g].in(.live, .dying))
        folio[g, i] <- .poisoned
        content[g, i] <- nil
        pte[g, i] <- false
      }
      Holding(invalidateLock[g], .read) {
        Step("kvm_gmem_error_folio: finds the bindings") {
          victims <- those(Page.self) { p in isBound(p, to: g) { j in j == i } }
        }
        When(victims != .empty) {
          invalidationBegins(victims) { _ in Condition(.yes) }
          invalidationEnds()
        }
      }
    }
  }

  /// kvm_destroy_vm, by whoever drops the last reference (guest-memfd §1.4).
  var destroy: Action {
    Action("kvm_destroy_vm", by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("the last reference to the VM goes") {
        Require(vmFile == .closed && !destroyed)
        Require(forAll(VCPU.self) { w in vcpuFile[w] != .open })
        Require(forAll(File.self) { g in life[g].in(.none, .released, .evicted) })
          .because("every file pins the VM", "guest-memfd I-REF-KVM")
        Require(!inIoctl).because("a call on a descriptor keeps it")
        destroyed <- true
        hull <- .empty
        Each(MemSlot.self) { s in
          slot[s] <- .absent
          slotKind[s] <- .host
          pgoff[s] <- 0
          gfns[s] <- .empty
          hostRange[s] <- nil
          readOnly[s] <- false
          logsDirty[s] <- false
        }
        Each(Page.self) { p in
          spte[p] <- .none
          isPrivate[p] <- false
          unbacked[p] <- false
          halts[p] <- false
        }
      }
    }
  }

  /// Some thread is in an ioctl of the VM or of a vCPU.
  var inIoctl: Condition {
    inside(Self.regionName) || inside(Self.deleteName)
      || inside("KVM_SET_MEMORY_ATTRIBUTES") || inside("KVM_PRE_FAULT_MEMORY")
      || inside("KVM_RUN") || inside("KVM_CREATE_VCPU") || inside("KVM_CREATE_GUEST_MEMFD")
  }

  // MARK: Descriptors (guest-memfd §1.4, §1.7)

  /// close() of the VM's descriptor.
  var closeVM: Action {
    Action("close(vm)", by: HostThread.self, cites: "guest-memfd §1.7") {
      Step("kvm_vm_release") {
        Require(vmFile != .absent && (arguments == 1 || vmFile == .open))
        Check(vmFile == .open, else: .EBADF)
        vmFile <- .closed
      }
    }
  }

  /// close() of a vCPU's descriptor.
  var closeVCPU: Action {
    Action("close(vcpu)", taking: [v], by: HostThread.self, cites: "kvm-tdx §2.11") {
      Step("kvm_vcpu_release") {
        Require(vcpuFile[v] != .absent && (arguments == 1 || vcpuFile[v] == .open))
        Check(vcpuFile[v] == .open, else: .EBADF)
        vcpuFile[v] <- .closed
      }
    }
  }

  /// close() of a memfd: whether it was the last reference is seen later (guest-memfd §1.4).
  var closeGmem: Action {
    Action("close(gmem)", taking: [f], by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("the descriptor goes") {
        Require(gmem[f] != .absent && (arguments == 1 || gmem[f] == .open))
        Check(gmem[f] == .open, else: .EBADF)
        gmem[f] <- .closed
      }
    }
  }

  /// dup, fork, or SCM_RIGHTS on its way: one more reference to the file.
  var duplicate: Action {
    Action("dup", taking: [f], by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("one more reference") {
        Require(carriers == 1 && gmem[f] == .open && !copied[f])
        copied[f] <- true
      }
    }
  }

  var closeCopy: Action {
    Action("close(copy)", taking: [f], by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("the copy goes") {
        Require(copied[f])
        copied[f] <- false
      }
    }
  }

  /// A descriptor of another struct file that holds the inode alone (guest-memfd §1.4).
  var openPath: Action {
    Action("open(O_PATH)", taking: [f], by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("holds the inode") {
        Require(carriers == 1 && gmem[f] == .open && !pathHeld[f])
        pathHeld[f] <- true
      }
    }
  }

  var closePath: Action {
    Action("close(path)", taking: [f], by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("lets the inode go") {
        Require(pathHeld[f])
        pathHeld[f] <- false
      }
    }
  }

  /// GUP or vmsplice of a page that user space has mapped (guest-memfd §1.4).
  var pinPage: Action {
    Action("pin", taking: [f, i], by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("takes a reference to the page") {
        Require(carriers == 1 && pte[f, i] && pin[f, i] == .none)
        pin[f, i] <- .cached
      }
    }
  }

  var unpinPage: Action {
    Action("unpin", taking: [f, i], by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("drops the reference to the page") {
        Require(pin[f, i] != .none)
        pin[f, i] <- .none
      }
    }
  }

  /// A child closes its copy of a descriptor, which holds nothing up (guest-memfd §1.4).
  var childCloses: Action {
    Action("close(child's copy)", by: HostThread.self, cites: "guest-memfd §1.4") {
      Step("the child's copy") { Require(environment == 1) }
    }
  }
}
