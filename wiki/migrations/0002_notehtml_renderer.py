from django.db import migrations, models


class Migration(migrations.Migration):
    """Cached HTML says what rendered it; rows from before count as stale and are made again."""

    dependencies = [
        ("wiki", "0001_initial"),
    ]

    operations = [
        migrations.RemoveField(model_name="notehtml", name="renderer_version"),
        migrations.AddField(
            model_name="notehtml",
            name="renderer",
            field=models.TextField(default=""),
            preserve_default=False,
        ),
    ]
