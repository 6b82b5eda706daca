import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.datetime
from django.contrib.postgres.operations import CreateExtension
from django.core.exceptions import ImproperlyConfigured
from django.db import migrations, models


def need_pgvector(apps, schema_editor):
    """Say what is missing before PostgreSQL says it in its own words."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_to_array(regexp_replace(default_version, '[^0-9.]', '', 'g'), '.')::int[]"
            " FROM pg_available_extensions WHERE name = 'vector'"
        )
        found = cursor.fetchone()
    if found is None or found[0] < [0, 8]:
        raise ImproperlyConfigured(
            "Search by meaning needs pgvector 0.8 or newer in PostgreSQL, and the server of "
            "DATABASE_URL does not offer it. Install it there, or set WIKI_ML=0 to run the "
            "site without the workshop."
        )


class Migration(migrations.Migration):

    dependencies = [
        ('mlhooks', '0001_initial'),
    ]

    operations = [
        migrations.RunPython(need_pgvector, migrations.RunPython.noop),
        CreateExtension('vector'),
        migrations.CreateModel(
            name='QueryVector',
            fields=[
                ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('vector', models.BinaryField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), db_index=True)),
            ],
        ),
        migrations.RunSQL(
            'ALTER TABLE mlhooks_queryvector SET UNLOGGED',
            migrations.RunSQL.noop,
        ),
        migrations.CreateModel(
            name='SplitNote',
            fields=[
                ('note', models.BigIntegerField(primary_key=True, serialize=False)),
                ('revision', models.PositiveIntegerField()),
                ('splitter', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='EncoderIndex',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('encoder', models.CharField(max_length=200)),
                ('weights_sha256', models.CharField(max_length=64)),
                ('dimensions', models.PositiveIntegerField()),
                ('longest', models.PositiveIntegerField(null=True)),
                ('state', models.CharField(choices=[('building', 'Building'), ('ready', 'Ready')], default='building', max_length=16)),
                ('closeness', models.JSONField(default=dict)),
                ('has_graph', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('ready_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name_plural': 'encoder indexes',
                'constraints': [models.UniqueConstraint(fields=('encoder', 'weights_sha256'), name='encoder_index_once')],
            },
        ),
        migrations.CreateModel(
            name='NoteBlocks',
            fields=[
                ('note', models.BigIntegerField(primary_key=True, serialize=False)),
                ('keys', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.GinIndex(fields=['keys'], name='note_with_block')],
            },
        ),
        migrations.CreateModel(
            name='Passage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.BigIntegerField()),
                ('start', models.PositiveIntegerField()),
                ('end', models.PositiveIntegerField()),
                ('heading', models.TextField(blank=True)),
                ('is_code', models.BooleanField()),
                ('sha256', models.CharField(max_length=64)),
            ],
            options={
                'constraints': [models.UniqueConstraint(deferrable=django.db.models.constraints.Deferrable['DEFERRED'], fields=('note', 'start'), name='passage_place')],
            },
        ),
        migrations.CreateModel(
            name='ActiveIndex',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('index', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='active', to='mlhooks.encoderindex')),
                ('before', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='mlhooks.encoderindex')),
                ('since', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('configured', models.CharField(blank=True, max_length=200)),
                ('configured_sha256', models.CharField(blank=True, max_length=64)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='active_index_is_one')],
            },
        ),
        migrations.CreateModel(
            name='IndexedNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.BigIntegerField()),
                ('revision', models.PositiveIntegerField()),
                ('is_whole', models.BooleanField(db_default=True)),
                ('indexed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('index', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='mlhooks.encoderindex')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('note', 'index'), name='indexed_note_once')],
            },
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(fields=['kind', 'key', 'id'], name='job_of_key'),
        ),
        migrations.AddIndex(
            model_name='job',
            index=models.Index(condition=models.Q(('state', 'failed')), fields=['id'], name='job_failed'),
        ),
        migrations.CreateModel(
            name='UnreadNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('note', models.BigIntegerField()),
                ('revision', models.PositiveIntegerField()),
                ('reason', models.CharField(max_length=300)),
                ('failed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('index', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='unread', to='mlhooks.encoderindex')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('note', 'index'), name='unread_note_once')],
            },
        ),
        migrations.AddField(
            model_name='worker',
            name='device',
            field=models.CharField(blank=True, db_default='', max_length=100),
        ),
    ]
