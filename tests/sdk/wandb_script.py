"""A training script as it was written for W&B; the test changes nothing but its import."""

import os
import random
import tempfile

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
run.finish()

with wandb.init(project="evaluation", job_type="test") as run:
    artifact = run.use_artifact("digits/mlp:candidate")
    folder = artifact.download()
    print("used", artifact.name, artifact.type, artifact.metadata["lr"], sorted(os.listdir(folder)))
    registered = run.use_artifact("model-registry/Digits classifier:challenger")
    with open(os.path.join(registered.download(), "model.bin"), "rb") as file:
        print("registered", registered.version, file.read())
    run.log({"acc": 0.93})
print("summary", run.summary["acc"])
