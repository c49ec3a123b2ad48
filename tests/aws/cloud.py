"""A cloud for the tests: moto's Secrets Manager and STS, which check signatures and rights, and the
one URL of AWS IoT's credentials provider, which wants the device's certificate.

`cloud.py FOLDER` puts the certificates into the folder, says in a line of JSON where it is, and then
does what each line of its standard input says."""

import datetime
import http.server
import json
import os
import ssl
import sys
import threading

os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "inf"
os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "setup"
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from moto import settings
from moto.server import ThreadedMotoServer

folder = sys.argv[1]


def certificate(name, issuer=None, kind="ec"):
    """A certificate for a name, in two files."""
    if kind == "ec":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    by_name, by_key = issuer or (subject, key)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(by_key, hashes.SHA256())
    )
    with open(f"{folder}/{name}.pem", "wb") as file:
        file.write(made.public_bytes(serialization.Encoding.PEM))
    with open(os.open(f"{folder}/{name}.key", os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return subject, key


authority = certificate("ca")
certificate("localhost", authority)
certificate("thing", authority)

moto = ThreadedMotoServer(port=0, verbose=False)
moto.start()
host, port = moto.get_host_and_port()
url = f"http://127.0.0.1:{port}"

iam = boto3.client("iam", endpoint_url=url)
role = iam.create_role(RoleName="device", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
iam.put_role_policy(RoleName="device", PolicyName="all", PolicyDocument=json.dumps(policy))
sts = boto3.client("sts", endpoint_url=url)
assumed = sts.assume_role(RoleArn=role, RoleSessionName="thing")["Credentials"]
# From here on only what is signed right is answered.
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0

refuse = None
asked = 0


class Provider(http.server.BaseHTTPRequestHandler):
    """AWS IoT's credentials provider."""

    def do_GET(self):
        global asked
        asked += 1
        who = dict(pair for part in self.connection.getpeercert()["subject"] for pair in part)
        right = (
            self.path == "/role-aliases/alias/credentials"
            and self.headers["x-amzn-iot-thingname"] == "thing"
            and who["commonName"] == "thing"
        )
        status = refuse or (200 if right else 404)
        credentials = {
            "accessKeyId": assumed["AccessKeyId"],
            "secretAccessKey": assumed["SecretAccessKey"],
            "sessionToken": assumed["SessionToken"],
            "expiration": assumed["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        answer = {"credentials": credentials} if status == 200 else {"message": "refused by the test"}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/localhost.pem", f"{folder}/localhost.key")
context.load_verify_locations(f"{folder}/ca.pem")
context.verify_mode = ssl.CERT_REQUIRED
provider = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
provider.socket = context.wrap_socket(provider.socket, server_side=True)
threading.Thread(target=provider.serve_forever, daemon=True).start()

secrets = boto3.client(
    "secretsmanager",
    endpoint_url=url,
    aws_access_key_id=assumed["AccessKeyId"],
    aws_secret_access_key=assumed["SecretAccessKey"],
    aws_session_token=assumed["SessionToken"],
)


def say(value):
    print(json.dumps(value), flush=True)


say({"provider": f"localhost:{provider.server_address[1]}", "aws": url})
for line in sys.stdin:
    do, *values = json.loads(line)
    if do == "create":
        name, value = values
        say(secrets.create_secret(Name=name, SecretString=value)["ARN"])
    elif do == "put":
        arn, value, stages = values
        put = secrets.put_secret_value(SecretId=arn, SecretString=value, VersionStages=stages)
        say(put["VersionId"])
    elif do == "renew":
        certificate("thing", authority, *values)
        say("done")
    elif do == "refuse":
        [refuse] = values
        say("done")
    elif do == "asked":
        say(asked)
