# nix run 'github:mfa-run/mfa-run?dir=packaging/nix' -- --version
{
  description = "MFA sessions for AWS tools: asks for the code once, keeps the session";
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: { default = pkgs.callPackage ./package.nix { }; });
      devShells = each (pkgs: { default = pkgs.mkShell { inputsFrom = [ self.packages.${pkgs.system}.default ]; }; });
    };
}
