# For `pkgs.callPackage ./packaging/nix/package.nix { }`.
{ lib, rustPlatform, installShellFiles }:

rustPlatform.buildRustPackage {
  pname = "mfa-run";
  version = (lib.importTOML ../../Cargo.toml).workspace.package.version;
  src = lib.cleanSource ../..;
  cargoLock.lockFile = ../../Cargo.lock;
  cargoBuildFlags = [ "--bin" "mfa-run" ];
  # the tests want shells, a terminal and AWS's tools: .ci/run has them
  doCheck = false;

  nativeBuildInputs = [ installShellFiles ];
  postInstall = ''
    installManPage packaging/man/*.1
    installShellCompletion --cmd mfa-run \
      --bash completions/mfa-run.bash --zsh completions/_mfa-run --fish completions/mfa-run.fish
  '';

  meta = {
    description = "MFA sessions for AWS tools: asks for the code once, keeps the session";
    homepage = "https://github.com/mfa-run/mfa-run";
    license = with lib.licenses; [ mit asl20 ];
    mainProgram = "mfa-run";
    platforms = lib.platforms.unix;
  };
}
