"""A training script as it was written for W&B; the test changes nothing but its import."""

import os
import random
import tempfile
from datetime import timedelta

import wandb

FOLDER = os.environ["SCRIPT_FOLDER"]

run = wandb.init(project="digits", config={"lr": 0.1, "epochs": 20}, job_type="train", name="baseline")
print("run", run.id, run.name, run.project, run.config["lr"], run.config.epochs)

for epoch in range(run.config.epochs):
    loss = 1.0 / (epoch + 1)
    run.log({"loss": loss, "acc": 1 - loss / 2, "epoch": epoch})
run.log({"test": {"f1": 0.9}})

data = wandb.Artifact("digits-data", type="dataset", description="pixels", metadata={"rows": 1797})
with tempfile.TemporaryDirectory() as folder:
    for name in ("train", "test"):
        os.makedirs(os.path.join(folder, name))
        with open(os.path.join(folder, name, "x.csv"), "w") as file:
            file.write("\n".join(str(random.Random(name).random()) for _ in range(100)))
    data.add_dir(folder)
run.log_artifact(data)

model = wandb.Artifact("mlp", type="model", metadata={"lr": run.config.lr})
path = os.path.join(FOLDER, "model.bin")
with open(path, "wb") as file:
    file.write(b"weights")
model.add_file(path)
model.add_file(path, name="copies/model.bin")
logged = run.log_artifact(model, aliases=["candidate"])
logged.wait()
print("logged", logged.version, logged.digest[:7], sorted(logged.aliases))

run.link_artifact(logged, "model-registry/Digits classifier", aliases=["challenger"])

logged.metadata["reviewed"] = True
logged.metadata = {**logged.metadata, "rows": 1797}
logged.description = "reviewed by hand"
logged.aliases.append("reviewed")
logged.tags.append("audited")
logged.ttl = timedelta(days=90)
logged.save()

table = wandb.Table(columns=["id", "truth", "guess"])
for row in range(3):
    table.add_data(row, row, row + 1)
run.log({"predictions": table})

raw = wandb.Artifact("digits-raw", type="dataset")
raw.add_reference(f"file://{path}")
raw.add_reference(f"file://{path}", name="unchecked.bin", checksum=False)
with raw.new_file("notes.txt", mode="w") as file:
    file.write("where it comes from")
with raw.new_file("draft.txt") as file:
    file.write("not for publication")
raw.remove("draft.txt")
run.log_artifact(raw, tags=["raw"])
print("raw", raw.version, sorted(entry.path for entry in raw.manifest.entries.values()))

run.log_model(path=path, name="short", aliases=["best"])
run.link_model(path=path, registered_model_name="Short cut", name="short", aliases=["first"])
run.finish()

with wandb.init(project="evaluation", job_type="test") as run:
    artifact = run.use_artifact("digits/mlp:candidate")
    folder = artifact.download()
    print("used", artifact.name, artifact.type, artifact.metadata["lr"], sorted(os.listdir(folder)))
    registered = run.use_artifact("model-registry/Digits classifier:challenger")
    with open(os.path.join(registered.download(), "model.bin"), "rb") as file:
        print("registered", registered.version, file.read())
    with open(run.use_model(name="digits/short:best"), "rb") as file:
        print("model", file.read())
    raw = run.use_artifact("digits/digits-raw:latest")
    print("entry", raw.get_entry("model.bin").size, raw.file_count)
    with open(os.path.join(raw.download(root=os.path.join(FOLDER, "raw")), "model.bin"), "rb") as file:
        print("referred", file.read())
    following = raw.new_draft()
    following.remove("unchecked.bin")
    print("following", run.log_artifact(following).version)
    run.log({"acc": 0.93})
print("summary", run.summary["acc"])
