/// How a built kernel is booted: one image serves two machines.
public enum BootForm: String, CaseIterable, Sendable {
  /// On QEMU's processor of AMD, with KVM as it is: VMs of type 0 and KVM_X86_SW_PROTECTED_VM run.
  case swprot
  /// On a processor of Intel whose VMX and TDX are the stand-in: type 5 is there, and no guest
  /// runs.
  case standin

  /// The image's name for a release.
  public func imageName(_ release: KernelRelease) -> String { "bzImage-\(release)-\(rawValue)" }

  /// What the file beside the image says, from which the backend knows the machine.
  var options: String {
    switch self {
    case .swprot:
      """
      # KVM of AMD in nested paging, which QEMU emulates; 47 bits of addresses for user space.
      qemu 7
      machine -accel tcg,thread=multi -machine q35 -cpu max,+svm,-la57 -smp 2 -m 2048
      append rcupdate.rcu_expedited=1

      """
    case .standin:
      """
      # KVM's TDX code over the stand-in. QEMU says that the processor has VMX and MOVDIR64B, which
      # trap and are answered; the model has no erratum of TDX, its addresses leave room for key
      # ids, and there is no SVM for another KVM.
      qemu 10
      machine -accel tcg,thread=multi -machine q35 -cpu \(Self.intel) -smp 2 -m 2048
      append standin_tdx setcpuid=tme kvm_intel.nested=0 kvm_intel.tdx=1 rcupdate.rcu_expedited=1

      """
    }
  }

  private static let intel =
    "max,vendor=GenuineIntel,family=6,model=173,stepping=1,phys-bits=52,-svm,"
    + "x-force-features=on,+vmx,+movdir64b,+ss"
}
