import ArgumentParser
import CExplorerShims
import Foundation
import KernelBuild
import Verdicts

extension TDXSpec {
  /// `tdxspec kernel`.
  struct Kernel: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Kernels for the backend qemu:KERNEL.",
      subcommands: [Build.self, Files.self])
  }
}

extension TDXSpec.Kernel {
  /// `tdxspec kernel build`.
  struct Build: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Builds kernels for the backend qemu:KERNEL from a distribution's source.",
      discussion: """
        SOURCE is the kernel's tree, a tar archive of it, or a Debian package linux-source-*. It \
        is unpacked into the work folder; nothing else is changed. The tree gets a folder \
        'standin' (a stand-in for VMX and the TDX module, off unless the kernel's command line has \
        standin_tdx) and one line in its Kbuild; no file of KVM is touched. The configuration is \
        tinyconfig with standin/kernel.config.

        One image serves two machines, by the file of options beside it:
          bzImage-RELEASE-swprot    KVM on QEMU's processor of AMD: VM types 0 and 1, guests run
          bzImage-RELEASE-standin   KVM's TDX code over the stand-in: VM type 5, no guest runs

        It needs a compiler and Debian's make flex bison bc libelf-dev xz-utils, 2.5 GB of disk \
        and 10 minutes on 2 cores. A build that was stopped goes on with the same --work. Inside, \
        /sys/kernel/debug/standin-tdx has the log of SEAMCALLs and says which of them fail, wait \
        and what TDH.VP.ENTER returns; tdxspec kernel files shows the source, which documents them.

        EXAMPLES
          apt-get download linux-source-7.3
          tdxspec kernel build linux-source-7.3_*.deb --into kernels --work build
          export TDXSPEC_KERNELS=$PWD/kernels
          tdxspec conform --backend qemu:7.3-standin --suite Conformance/Suites/kvm-tdx-checks.json

        EXIT CODES
          0 built  1 a program of the build failed  2 unusable input  3 interrupted
          4 what the build needs is not installed
        """)

    @Argument(help: "The kernel's source: a folder, a tar archive or a Debian package.")
    var source: String

    @Option(name: .long, help: ArgumentHelp("Where the images go.", valueName: "folder"))
    var into = "kernels"

    @Option(
      name: .long,
      help: ArgumentHelp("Where it is built; what is there is used again.", valueName: "folder"))
    var work = "kernel-build"

    @Option(
      name: .long, help: ArgumentHelp("Compilers at once; as many as processors.", valueName: "n"))
    var jobs: Int?

    @Flag(name: .long, help: "Print JSON lines.")
    var json = false

    func validate() throws {
      if let jobs, !(1...1024).contains(jobs) {
        throw ValidationError("--jobs takes a number from 1 to 1024")
      }
    }

    func run() throws {
      guard tdxs_install_sigint() == 0 else {
        throw ValidationError("cannot install the signal handlers")
      }
      let build = KernelBuild(
        source: source, target: Self.absolute(into), work: Self.absolute(work),
        jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount)
      let line = KernelProgressLine()
      let clock = ContinuousClock()
      let start = clock.now
      if json {
        try Output.standard.write(
          Events.start("kernel build", version: TDXSpec.version).text + "\n")
      }
      let built: KernelBuild.Built
      do throws(KernelBuildError) {
        built = try build.run(isStopped: { tdxs_interrupted() != 0 }, onProgress: line.update)
      } catch {
        line.clear()
        Terminal.complain(error.description)
        let status = Self.status(error.kind)
        if json {
          let events = [Events.error(error.description, code: nil), Events.end(status)]
          try Output.standard.write(events.map { $0.text + "\n" }.joined())
        }
        throw CommandExit(status: status)
      }
      line.clear()
      try Output.standard.write(report(built, seconds: (clock.now - start) / .seconds(1)))
    }

    private static func absolute(_ path: String) -> String {
      URL(fileURLWithPath: path).standardizedFileURL.path
    }

    private static func status(_ kind: KernelBuildError.Kind) -> ExitStatus {
      switch kind {
      case .unusable: .usage
      case .missing: .skipped
      case .failed: .failure
      case .interrupted: .noAnswer
      }
    }

    private func report(_ built: KernelBuild.Built, seconds: Double) -> String {
      let images = BootForm.allCases.compactMap { form in built.images[form].map { (form, $0) } }
      guard json else {
        let lines = images.map { "  \($0.1)   --backend qemu:\(built.release)-\($0.0.rawValue)" }
        return "Linux \(built.release), built in \(Int(seconds)) s:\n"
          + lines.joined(separator: "\n") + "\n"
      }
      let event = JSONValue.members([
        "event": "kernel", "release": .string(built.release.description),
        "images": .array(
          images.map { .members(["form": .string($0.0.rawValue), "path": .string($0.1)]) }),
        "seconds": .double(seconds),
      ])
      return [event, Events.end(.success)].map { $0.text + "\n" }.joined()
    }
  }

  /// `tdxspec kernel files`.
  struct Files: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes the source of the stand-in, for a kernel's tree of your own.",
      discussion: """
        Put the folder into the tree as 'standin', append 'obj-y += standin/' to the tree's \
        Kbuild, merge standin/kernel.config into the configuration, and build with \
        NOSTDINC_FLAGS="-nostdinc -I$PWD/standin/include".

        EXAMPLES
          tdxspec kernel files ~/linux/standin

        EXIT CODES
          0 written  74 cannot be written
        """)

    @Argument(help: "The folder; it is made.")
    var folder: String

    func run() throws {
      for file in StandInFile.all {
        let path = "\(folder)/\(file.path)"
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        do {
          try FileManager.default.createDirectory(
            atPath: parent, withIntermediateDirectories: true)
        } catch { throw OutputError(path: parent, errno: errno) }
        try FileOutput.write(file.text, to: path)
      }
    }
  }
}

/// How far a build is.
private final class KernelProgressLine {
  private let line = PacedLine(every: 30)

  func update(_ progress: KernelBuild.Progress) {
    switch progress {
    case .step(let text):
      line.say("kernel: \(text)")
      line.begin()
    case .compiled(let count):
      line.update { seconds in
        let rate = Double(count) / seconds
        let left = Double(max(0, KernelBuild.usualFiles - count)) / rate
        return "kernel: \(count) files compiled of about \(KernelBuild.usualFiles), "
          + "\(Int(rate.rounded())) files/s, about \(Int(left.rounded(.up))) s left"
      }
    }
  }

  func clear() { line.clear() }
}
