import CKVM
import ConformanceKit
import KVMBackend
import Testing

/// What tests need of a kernel, found from their calls; layouts of structures.
@Suite struct NeedsTests {
  private func needs(_ steps: [ConformanceTest.Step]) -> Set<Capability> {
    ConformanceTest(id: "t", purpose: "p", steps: steps).kernelNeeds
  }

  private let create = ConformanceTest.Step(
    Call("KVM_CREATE_VM", ["new": "vm0", "type": 5]), expect: [.success])

  @Test("types, vCPUs and runs are needed")
  func calls() {
    let vcpu = ConformanceTest.Step(
      Call("KVM_CREATE_VCPU", ["on": "vm0", "new": "vcpu0", "id": 0]), expect: [.success])
    let run = ConformanceTest.Step(Call("KVM_RUN", ["on": "vcpu0"]), expect: [.success])
    #expect(needs([create]) == ["vm-type:5"])
    #expect(needs([create, vcpu, run]) == ["vm-type:5", "vcpu", "run:5"])
  }

  @Test("a refusal of the TDX module needs one, unless it is injected or the caller is refused")
  func refusals() {
    let eio = ExpectedOutcome.exactly(.errno(Errno(number: 5)))
    let finalize = ConformanceTest.Step(
      Call("KVM_TDX_FINALIZE_VM", ["on": "vm0", "flags": 0]), expect: [eio])
    var child = finalize
    child.call.arguments["by"] = "child"
    let fault = ConformanceTest.Step(
      Call("standin_fail", ["leaf": "TDH.MR.FINALIZE", "count": 1, "status": "0x1"]),
      expect: [.success])
    #expect(needs([create, finalize]).contains("tdx-module"))
    #expect(!needs([create, child]).contains("tdx-module"))
    var other = create
    other.call.arguments["type"] = 1
    #expect(!needs([other, finalize]).contains("tdx-module"))
    #expect(needs([create, fault, finalize]) == ["vm-type:5", "standin"])
  }

  @Test("a refused VM type is not needed")
  func refusedType() {
    let refused = ConformanceTest.Step(
      Call("KVM_CREATE_VM", ["new": "vm0", "type": 9]),
      expect: [.exactly(.errno(Errno(number: 22)))])
    #expect(needs([refused]).isEmpty)
  }

  @Test("structures have the sizes of the kernel's interface, as Swift sees them")
  func layouts() {
    #expect(MemoryLayout<ckvm_memory_region2>.size == 160)
    #expect(MemoryLayout<ckvm_create_guest_memfd>.size == 64)
    #expect(MemoryLayout<ckvm_tdx_capabilities>.size == 2056)
    #expect(MemoryLayout<ckvm_tdx_init_vm>.size == 264)
    #expect(MemoryLayout<ckvm_cpuid_entry>.stride == 40)
    #expect(CKVM_SET_USER_MEMORY_REGION2 == 0x40A0_AE49)
    #expect(CKVM_CREATE_GUEST_MEMFD == 0xC040_AED4)
    #expect(CKVM_MEMORY_ENCRYPT_OP == 0xC008_AEBA)
  }
}
