"""The signature of a profile: CMS signed-data around it (RFC 5652), which Apple's devices show as "Verified".

X.509 is imported when there is a certificate: everybody knows this module, few have one.
"""


class UnfitSigner(ValueError):
    """Certificate and key cannot sign; `str()` says why and quotes nothing of the key."""


class ProfileSigner:
    """Signs with one certificate. Its key shows nowhere."""

    def __init__(self, certificate: bytes, key: bytes) -> None:
        """`certificate`: PEM, the signer's first and then its chain; `key`: unencrypted PEM, RSA or EC.

        Raises UnfitSigner when one cannot be read or they do not belong together.
        """
        from cryptography import x509
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec, rsa

        try:
            self._certificate, *self._chain = x509.load_pem_x509_certificates(certificate)
        except ValueError as error:
            raise UnfitSigner("the certificate is not PEM") from error
        try:
            private = serialization.load_pem_private_key(key, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise UnfitSigner("the key is not an unencrypted PEM key") from error
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise UnfitSigner("the key must be RSA or EC")
        if private.public_key() != self._certificate.public_key():
            raise UnfitSigner("the key is not that of the certificate")
        self._key = private

    def __repr__(self) -> str:
        return f"ProfileSigner({self._certificate.subject.rfc4514_string()})"

    def sign(self, profile: bytes) -> bytes:
        """The profile inside a signature, as DER, with the chain."""
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.serialization import pkcs7

        builder = pkcs7.PKCS7SignatureBuilder().set_data(profile)
        builder = builder.add_signer(self._certificate, self._key, hashes.SHA256())
        for each in self._chain:
            builder = builder.add_certificate(each)
        return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
