"""Certificates with boto3: made, signed, brought, attached to things, revoked, removed."""

import hashlib
import ssl
import subprocess
import tempfile
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

iot = boto3.client("iot")
ARN = "arn:aws:iot:us-east-1:000000000000:cert/"


def refused(operation, **arguments):
    try:
        getattr(iot, operation)(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{operation} was answered")


def digest(pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


made = iot.create_keys_and_certificate(setAsActive=True)
one = made["certificateId"]
assert one == digest(made["certificatePem"]) and made["certificateArn"] == ARN + one, made
assert "BEGIN PRIVATE KEY" in made["keyPair"]["PrivateKey"], "a key"
assert "BEGIN PUBLIC KEY" in made["keyPair"]["PublicKey"], made["keyPair"]["PublicKey"]
known = iot.describe_certificate(certificateId=one)["certificateDescription"]
assert (known["status"], known["certificatePem"], known["customerVersion"]) == ("ACTIVE", made["certificatePem"], 1), known
assert known["validity"]["notBefore"] < known["creationDate"] < known["validity"]["notAfter"], known

with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    openssl = lambda *arguments: subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)
    openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "key", "-subj", "/CN=press/O=ACME", "-out", "csr")
    signed = iot.create_certificate_from_csr(certificateSigningRequest=(folder / "csr").read_text(), setAsActive=False)
    (folder / "pem").write_text(signed["certificatePem"])
    openssl("x509", "-in", "pem", "-noout", "-pubkey", "-out", "public")
    assert "CN" in openssl("x509", "-in", "pem", "-noout", "-subject").stdout.decode()
    assert openssl("pkey", "-in", "key", "-pubout").stdout.decode() in openssl("x509", "-in", "pem", "-noout", "-pubkey").stdout.decode()
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "own.key", "-subj", "/CN=own", "-out", "own.pem")
    own = (folder / "own.pem").read_text()
assert signed["certificateId"] == digest(signed["certificatePem"]), signed
assert refused("create_certificate_from_csr", certificateSigningRequest="no request") == "InvalidRequestException"
brought = iot.register_certificate_without_ca(certificatePem=own, status="ACTIVE")
assert brought["certificateId"] == digest(own), brought
assert refused("register_certificate_without_ca", certificatePem=own) == "ResourceAlreadyExistsException"
assert refused("register_certificate", certificatePem="none", setAsActive=True) == "InvalidRequestException"

every = {one, signed["certificateId"], brought["certificateId"]}
first = iot.list_certificates(pageSize=2)
second = iot.list_certificates(pageSize=2, marker=first["nextMarker"])
assert {found["certificateId"] for found in first["certificates"] + second["certificates"]} == every, (first, second)
assert "nextMarker" not in second, second

for name in ("press", "lathe"):
    iot.create_thing(thingName=name)
    iot.attach_thing_principal(thingName=name, principal=ARN + one)
iot.attach_thing_principal(thingName="press", principal=brought["certificateArn"])
assert set(iot.list_thing_principals(thingName="press")["principals"]) == {ARN + one, brought["certificateArn"]}
assert iot.list_principal_things(principal=ARN + one)["things"] == ["lathe", "press"]
assert refused("attach_thing_principal", thingName="none", principal=ARN + one) == "ResourceNotFoundException"
assert refused("attach_thing_principal", thingName="press", principal=ARN + "0" * 64) == "ResourceNotFoundException"
assert refused("attach_thing_principal", thingName="press", principal="cognito") == "InvalidRequestException"
assert refused("delete_thing", thingName="press") == "InvalidRequestException"

assert refused("delete_certificate", certificateId=one) == "CertificateStateException"
iot.update_certificate(certificateId=one, newStatus="REVOKED")
assert iot.describe_certificate(certificateId=one)["certificateDescription"]["status"] == "REVOKED"
assert refused("update_certificate", certificateId=one, newStatus="PENDING_TRANSFER") == "InvalidRequestException"
assert refused("delete_certificate", certificateId=one) == "DeleteConflictException"
iot.detach_thing_principal(thingName="press", principal=ARN + one)
iot.detach_thing_principal(thingName="lathe", principal=ARN + one)
iot.delete_certificate(certificateId=one)
assert refused("describe_certificate", certificateId=one) == "ResourceNotFoundException"
iot.delete_thing(thingName="lathe")
