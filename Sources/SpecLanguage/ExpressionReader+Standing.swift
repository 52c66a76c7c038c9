extension ExpressionReader {
  /// `is inside KVM_RUN with v`.
  func standing(_ place: Standing, _ details: [ThreadDetail]) -> String {
    let own = details.filter { $0.kind == .has }.map { text($0.element) }
    let taken = details.filter { $0.kind == .taken }.map { text($0.element) }
    let members = details.filter { $0.kind == .member }.map { text($0.element) }
    let answers = details.filter { $0.kind == .answered }.map { text($0.element) }
    var result =
      switch place {
      case .inside(let action): "is inside \(action)"
      case .calling(let action): "is inside \(action) or about to begin it"
      case .at(let step): "is at “\(step)”"
      case .between(let first, let last): "is between “\(first)” and “\(last)”"
      }
    if !own.isEmpty { result += " with \(own.joined(separator: " and "))" }
    if !taken.isEmpty { result += ", a loop having taken \(taken.joined(separator: " and "))" }
    if !members.isEmpty {
      result += ", its set having \(members.joined(separator: " and "))"
    }
    if !answers.isEmpty { result += ", answered \(answers.joined(separator: " and "))" }
    for detail in details {
      switch detail.kind {
      case .named(let name, _): result += ", \(name) being \(text(detail.element))"
      case .memberOf(let name): result += ", \(name) having \(text(detail.element))"
      case .has, .taken, .member, .answered: break
      }
    }
    return result
  }
}
