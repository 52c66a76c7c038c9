import SpecLanguage
import TDXModuleSpecs

private let filesFirst = NamedArgument<Bool>("memfds_first")

/// Descriptors that a child has copies of, and the process's end (kvm-tdx §1.7, §2.11).
///
/// Left out: what else holds files (mappings that a child inherits, io_uring, vhost). A descriptor
/// that was duplicated within the process is as one that was not closed.
extension TDXVM {
  /// A child inherits every descriptor that is open.
  var fork: Action {
    Action("fork", by: HostThread.self, cites: "kvm-tdx §1.7") {
      Step("copies the descriptors") {
        Require(processes == 1)
        Require(!exited && !hasForked)
        hasForked <- true
        vmCopy <- vmFile == .open
        Each(VCPU.self) { w in vcpuCopy[w] <- vcpuFile[w] == .open }
        Each(File.self) { g in gmemCopy[g] <- gmem[g] == .open }
      }
    }
  }

  /// fallocate(PUNCH_HOLE) of a whole memfd by the child, which KVM does not keep from it
  /// (kvm-tdx S-40).
  var childPunches: Action {
    Action("fallocate(child)", taking: [f], by: HostThread.self, cites: "kvm-tdx §1.7") {
      Step("fdget") {
        Require(processes == 1)
        Require(gmemCopy[f])
      }
      Holding(invalidateLock[f]) {
        invalidate(
          { p in isBound(p, to: f.element) },
          change: Statements {
            Step("truncates: the folios go back to the host") {
              Each(FileIndex.self) { i in hasFolio[f, i] <- false }
            }
          })
      }
    }
  }

  /// The child ends, and its copies go.
  var childExits: Action {
    Action("exit(child)", by: HostThread.self, cites: "kvm-tdx §2.11") {
      Step("exit_files") {
        Require(processes == 1)
        Require(hasForked && !childHasExited && !inside("fallocate(child)"))
        childHasExited <- true
        Each(VCPU.self) { w in vcpuCopy[w] <- false }
        vmCopy <- false
      }
      ForEach(File.self) { g in
        When(gmemCopy[g]) {
          Step("drops its memfd") { gmemCopy[g] <- false }
          releaseGmem(g)
        }
      }
      dropReference
    }
  }

  /// The process ends, by itself or killed: every thread has left its calls, then mappings go, then
  /// descriptors. The kernel closes the VM's and the memfds in an order that is not promised.
  var processExits: Action {
    Action("exit", taking: [filesFirst], by: HostThread.self, cites: "kvm-tdx §2.11") {
      Step("the last thread is in do_exit") {
        Require(processes == 1)
        Require(!exited && !isUsed(by: Self.vmIoctls + Self.vcpuIoctls + Self.ownCalls))
        exited <- true
      }
      ForEach(File.self) { g in
        When(gmemMapped[g]) {
          Step("exit_mm: unmaps") { gmemMapped[g] <- false }
          releaseGmem(g)
        }
      }
      When(!filesFirst) { closesKVM }
      ForEach(File.self) { g in
        When(gmem[g] == .open) {
          Step("exit_files: closes a memfd") { gmem[g] <- .closed }
          releaseGmem(g)
        }
      }
      When(filesFirst) { closesKVM }
    }
  }

  private static let ownCalls = ["fallocate", "close(vm)", "close(vcpu)", "close(gmem)", "munmap"]

  @StatementBuilder
  private var closesKVM: [Statement] {
    Step("exit_files: closes the VM and its vCPUs") {
      When(vmFile == .open) { vmFile <- .closed }
      Each(VCPU.self) { w in When(vcpuFile[w] == .open) { vcpuFile[w] <- .closed } }
    }
    dropReference
  }

  @ListBuilder<Property>
  var processProperties: [Property] {
    Always(
      "S-40", "a child's copies hold the VM and its memory as the process's own do",
      cites: "kvm-tdx S-40", "kvm-tdx S-26"
    ) {
      vmCopy || exists(VCPU.self) { w in vcpuCopy[w] } || exists(File.self) { g in gmemCopy[g] }
        ==> !destroyed
    }
    .expect(.vacuous, when: processes == 0, because: "there is no child")
    Possible(
      "L-12-exit", "once process and child are gone, so are the VM, its pages and its HKID",
      cites: "kvm-tdx L-12"
    ) {
      processes == 1 && exited && childHasExited && destroyed && hkid == .freed && !tdrHeld
        && !bugged && forAll(File.self) { g in forAll(FileIndex.self) { i in !hasFolio[g, i] } }
        && exists(VCPU.self) { w in hasRun[w] }
    }
    .expect(.vacuous, when: processes == 0, because: "no process ends")
    Always(
      "L-12-left", "when process and child are gone, the VM is",
      cites: "kvm-tdx L-12", "kvm-tdx L-1"
    ) {
      exited && childHasExited && !inside("exit") && !inside("exit(child)") && vmFile != .absent
        ==> destroyed
    }
    .expect(.vacuous, when: processes == 0, because: "no process ends")
  }
}
