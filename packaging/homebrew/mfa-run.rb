class MfaRun < Formula
  desc "MFA sessions for AWS tools: asks for the code once, keeps the session"
  homepage "https://github.com/mfa-run/mfa-run"
  url "https://github.com/mfa-run/mfa-run/releases/download/v@VERSION@/mfa-run-@VERSION@-src.tar.gz"
  sha256 "@SHA256:mfa-run-@VERSION@-src.tar.gz@"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build

  def install
    system "cargo", "install", *std_cargo_args
    man1.install Dir["packaging/man/*.1"]
    bash_completion.install "completions/mfa-run.bash" => "mfa-run"
    zsh_completion.install "completions/_mfa-run"
    fish_completion.install "completions/mfa-run.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/mfa-run --version")
    (testpath/"config").write "[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/admin\n"
    ENV["AWS_CONFIG_FILE"] = testpath/"config"
    assert_match "admin", shell_output("#{bin}/mfa-run list")
  end
end
